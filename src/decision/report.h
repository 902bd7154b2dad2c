/*
 * The decision in words, for `info decision` and `-d decision`.
 */
#pragma once

#include "decision/decide.h"

/* "translate: interrupts off", "direct", "direct in principle, but this host can not show #NM (CR0.TS or EM)". */
void decision_append(const Vcpu *v, GString *out);
/* What decides, how it stands now, and what is decided: whole lines. */
void decision_print(const Vcpu *v, GString *out);
