/* Fixed-width types and port I/O, common to the 16-bit services and the 32-bit part of POST. */
#ifndef BIOS_TYPES_H
#define BIOS_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)
#define PACKED __attribute__((packed))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define OFFSET(type, member) __builtin_offsetof(type, member)

static inline void outb(u16 port, u8 value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u16 inw(u16 port)
{
    u16 value;

    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u32 inl(u16 port)
{
    u32 value;

    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* MC146818: the index goes to port 70h; bit 7 clear leaves NMI enabled. */
static inline u8 cmos_read(u8 index)
{
    outb(0x70, index);
    return inb(0x71);
}

static inline void cmos_write(u8 index, u8 value)
{
    outb(0x70, index);
    outb(0x71, value);
}

/* PCI configuration mechanism 1 (PCI 2.1, 3.7.4.1); bdf is bus << 8 | device << 3 | function. */
static inline void pci_select(u16 bdf, u8 reg)
{
    outl(0xcf8, 0x80000000u | (u32)bdf << 8 | (reg & 0xfc));
}

static inline u32 pci_read32(u16 bdf, u8 reg)
{
    pci_select(bdf, reg);
    return inl(0xcfc);
}

static inline u16 pci_read16(u16 bdf, u8 reg)
{
    pci_select(bdf, reg);
    return inw(0xcfc + (reg & 2));
}

static inline u8 pci_read8(u16 bdf, u8 reg)
{
    pci_select(bdf, reg);
    return inb(0xcfc + (reg & 3));
}

static inline void pci_write32(u16 bdf, u8 reg, u32 value)
{
    pci_select(bdf, reg);
    outl(0xcfc, value);
}

static inline void pci_write16(u16 bdf, u8 reg, u16 value)
{
    pci_select(bdf, reg);
    outw(0xcfc + (reg & 2), value);
}

static inline void pci_write8(u16 bdf, u8 reg, u8 value)
{
    pci_select(bdf, reg);
    outb(0xcfc + (reg & 3), value);
}

#endif
