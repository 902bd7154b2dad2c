/*
 * The APIC bus: the message that an I/O APIC, or an interrupt command, sends to local APICs (SDM 3A 10.6.1 names the fields).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    APIC_MODE_FIXED = 0,
    APIC_MODE_LOWEST = 1,
    APIC_MODE_SMI = 2,
    APIC_MODE_NMI = 4,
    APIC_MODE_INIT = 5,
    APIC_MODE_STARTUP = 6,
    APIC_MODE_EXTINT = 7,
};

typedef struct ApicMessage {
    uint8_t destination;
    bool logical; /* destination is a set, not an APIC id */
    uint8_t mode; /* APIC_MODE_* */
    uint8_t vector;
    bool level;   /* level-triggered: the EOI is broadcast */
} ApicMessage;

/* Deliver a message. False when nobody took it. */
typedef bool ApicSendFn(void *opaque, const ApicMessage *message);
