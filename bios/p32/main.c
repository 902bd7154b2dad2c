/* The 32-bit part of POST: its entry, called by bios/entry.S at POST32_LINEAR, and the little library it needs. */
#include "bios/p32/p32.h"

void *memcpy(void *dst, const void *src, unsigned long n)
{
    void *d = dst;
    u32 longs = n >> 2;

    asm volatile("rep movsl\n movl %3, %%ecx\n rep movsb"
                 : "+D"(d), "+S"(src), "+c"(longs) : "r"((u32)n & 3) : "memory");
    return dst;
}

void *memset(void *dst, int value, unsigned long n)
{
    void *d = dst;

    asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(value) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, unsigned long n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

u32 text_length(const char *s)
{
    u32 n = 0;

    while (s[n]) {
        n++;
    }
    return n;
}

bool text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool text_starts(const char *s, const char *prefix)
{
    while (*prefix && *s == *prefix) {
        s++;
        prefix++;
    }
    return !*prefix;
}

const char *text_find(const char *s, const char *part)
{
    for (; *s; s++) {
        if (text_starts(s, part)) {
            return s + text_length(part);
        }
    }
    return NULL;
}

u8 checksum(const void *data, u32 bytes)
{
    const u8 *p = data;
    u8 sum = 0;

    while (bytes--) {
        sum += *p++;
    }
    return sum;
}

/* EFLAGS.ID can be changed where there is CPUID (SDM 1, 20.1.2). */
bool cpuid(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
    u32 before, after;

    asm volatile("pushfl\n popl %0\n movl %0, %1\n xorl $0x200000, %1\n pushl %1\n popfl\n pushfl\n popl %1"
                 : "=&r"(before), "=&r"(after));
    if (!((before ^ after) & 0x200000)) {
        return false;
    }
    asm volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "a"(leaf), "c"(0));
    return true;
}

void debug(const char *text)
{
    while (*text) {
        outb(0x402, *text++);
    }
}

void debug_hex(const char *text, u32 value)
{
    debug(text);
    for (int shift = 28; shift >= 0; shift -= 4) {
        outb(0x402, "0123456789abcdef"[value >> shift & 15]);
    }
    debug("\n");
}

/* INT 15h/87h (RB INT 15/AH=87h): source is descriptor 2, destination 3 of the caller's table; bases are 24 bits, or
 * 32 with byte 7 as a 386 has it. */
static u32 block_move(const u32 *argument)
{
    const u8 *gdt = (const u8 *)argument[0];
    u32 src = *(const u32 *)(gdt + 0x12) & 0xffffff, dst = *(const u32 *)(gdt + 0x1a) & 0xffffff;
    u8 a20 = inb(0x92);

    src |= (u32)gdt[0x17] << 24;
    dst |= (u32)gdt[0x1f] << 24;
    outb(0x92, (a20 & ~1) | 2);
    memcpy((void *)dst, (void *)src, argument[1] * 2);
    outb(0x92, a20 & ~1);
    return 0;
}

static void post(void)
{
    outb(0x92, inb(0x92) | 2);      /* A20, before anything above 1 MiB is written; never bit 0, the reset */
    memset(SHARED, 0, sizeof(Shared));
    SHARED->fw_cfg = fwcfg_init();
    e820_find_ram();
    rom_shadow_open();
    pci_init();
    rom_init();
    pir_init();
    mptable_init();
    mtrr_init();
    smbios_init();
    acpi_init();
    bootorder_init();
    kernel_find();
    e820_build();
}

u32 entry32(u32 function, u32 argument);
u32 entry32(u32 function, u32 argument)
{
    switch (function) {
    case P32_POST:
        post();
        return 0;
    case P32_BLOCK_MOVE:
        return block_move((const u32 *)argument);
    case P32_LOAD_LINUX:
        return kernel_load_linux();
    case P32_BOOT_MULTIBOOT:
        return kernel_boot_multiboot();
    case P32_SHADOW_LOCK:
        rom_shadow_lock(true);
        return 0;
    case P32_SHADOW_UNLOCK:
        rom_shadow_lock(false);
        return 0;
    }
    return 0;
}
