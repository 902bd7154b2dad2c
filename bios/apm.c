/* APM 1.2 (RB INT 15/AH=53h): enough for an operating system to idle and to switch the machine off. */
#include "bios/bios.h"

#define APM_VERSION 0x0102
#define APM_SYSTEM_DEVICE 1
#define APM_OFF 3

void apm_service(Regs *r);
extern u8 apm_entry16[], apm_entry32[];
extern POSTVAR u16 apm_pm_base;

void apm_init(void)
{
    apm_pm_base = SHARED_FIELD(pm_base);
}

static bool connect(Regs *r)
{
    switch (r->al) {
    case 0x01:
        return true;
    case 0x02:                          /* 16-bit protected mode */
        r->ax = BIOS_SEG;
        r->bx = (u32)apm_entry16;
        r->cx = BIOS_SEG;
        r->si = 0xfff0;
        r->di = 0xfff0;
        return true;
    default:                            /* 32-bit protected mode */
        r->ax = BIOS_SEG;
        r->ebx = (u32)apm_entry32;
        r->cx = BIOS_SEG;
        r->dx = BIOS_SEG;
        r->esi = 0xfff0fff0;
        r->edi = 0xfff0;
        return true;
    }
}

void apm_service(Regs *r)
{
    bool carry = false;

    switch (r->al) {
    case 0x00:                          /* installed: "PM", 16- and 32-bit interfaces, CPU idle slows the clock */
        r->ax = APM_VERSION;
        r->bx = 0x504d;
        r->cx = 3;
        break;
    case 0x01:
    case 0x02:
    case 0x03:
        connect(r);
        break;
    case 0x05:                          /* CPU idle */
        irq_wait();
        break;
    case 0x07:                          /* set power state */
        if (r->bx == APM_SYSTEM_DEVICE && r->cx == APM_OFF) {
            power_off();
        }
        break;
    case 0x0a:                          /* power status: on line, no battery */
        r->bx = 0x01ff;
        r->cx = 0xffff;
        r->dx = 0xffff;
        break;
    case 0x0b:                          /* no event pending */
        r->ah = 0x80;
        carry = true;
        break;
    case 0x0c:                          /* power state: on */
        r->cx = 0;
        break;
    case 0x0e:                          /* driver version: we speak 1.2 */
        r->ax = APM_VERSION;
        break;
    case 0x10:                          /* capabilities: no batteries */
        r->bx = 0;
        r->cx = 0;
        break;
    case 0x04:
    case 0x06:
    case 0x08:
    case 0x0d:
    case 0x0f:
        break;
    default:
        r->ah = 0x09;                   /* unrecognised device or function */
        carry = true;
    }
    regs_carry(r, carry);
}
