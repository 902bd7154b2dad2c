/*
 * Hardware task switches. SDM 3A chapter 7
 */
#pragma once

#include "cpu/desc.h"

typedef enum TaskSource { TASK_JUMP, TASK_CALL, TASK_EVENT, TASK_IRET } TaskSource;

/*
 * Read the TSS descriptor that sel names: in the GDT, available, present. Else raises
 * vector (#GP or #TS) or #NP with sel and ext.
 */
void task_read_tss(Vcpu *v, uint16_t sel, Desc *tss, int vector, unsigned ext);

/*
 * Switch. v->rip is what the old task's TSS will hold. ext: the EXT bit for error codes. Faults before the point of
 * no return come in the old task, later ones in the new. error: the exception's error code, or NULL, for the new stack.
 */
void task_switch(Vcpu *v, Desc *tss, TaskSource source, unsigned ext, const uint32_t *error);

/* IRET with NT set: back to the task in the TSS's link field. */
void task_return(Vcpu *v);
