/* The 8042 keyboard controller: polled access for POST and for the mouse services. */
#include "bios/bios.h"

#define I8042_DATA 0x60
#define I8042_STATUS 0x64
#define STATUS_OUT_FULL 1
#define STATUS_IN_FULL 2

static bool wait_input_empty(void)
{
    for (u32 n = 0; n < 10000; n++) {
        if (!(inb(I8042_STATUS) & STATUS_IN_FULL)) {
            return true;
        }
    }
    return false;
}

/* port is 60h or 64h; false when the controller does not take the byte. */
bool i8042_write(u8 port, u8 value)
{
    if (!wait_input_empty()) {
        return false;
    }
    outb(port, value);
    return true;
}

/* The next byte with its status in bits 8-15, or -1. */
int i8042_read(u32 ms)
{
    Deadline d;
    u8 status;

    deadline_start(&d, ms);
    do {
        for (int n = 0; n < 20; n++) {
            status = inb(I8042_STATUS);
            if (status & STATUS_OUT_FULL) {
                return status << 8 | inb(I8042_DATA);
            }
        }
    } while (!deadline_passed(&d));
    return -1;
}
