/*
 * The differentiated system description table: what of this machine can't be found by probing.
 *
 * dsdt.h has the bytes that iasl (ACPICA) makes of this file, so that a build needs no iasl; after a change run
 * tests/dsdt.sh --update. What differs from machine to machine is in the names below, whose values acpitables.c
 * puts in place; those here only make iasl reserve four bytes. (An SSDT with External names would be cleaner, but
 * External is an opcode since ACPI 6, which older systems and SeaBIOS don't know.)
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "X86VM ", "X86VMPC ", 1)
{
    Name (MEMB, 0xE0000000) /* where the PCI memory window starts */
    Name (HPEN, 0xFFFFFFFE) /* is there an HPET */
    Name (COMS, 0xFFFFFFFE) /* serial ports present, bit 0 is COM1 */
    Name (LPTS, 0xFFFFFFFE) /* parallel ports present */
    Name (FDCN, 0xFFFFFFFE) /* floppy drives */

    Scope (\_PR)
    {
        Processor (CPU0, 0, 0, 0) {}
    }

    /* SLP_TYP 0 is the PIIX4's soft-off. No other sleep is offered. */
    Name (\_S5, Package (4) { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Method (_STA, 0) { If (HPEN) { Return (0x0F) } Return (0) }
            Name (_CRS, ResourceTemplate () { Memory32Fixed (ReadOnly, 0xFED00000, 0x400) })
        }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            Name (WIND, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                             0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                             0, 0xE0000000, 0xFEBFFFFF, 0, 0x1EC00000,,, PMEM)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (WIND, \_SB.PCI0.PMEM._MIN, PMIN)
                CreateDWordField (WIND, \_SB.PCI0.PMEM._MAX, PMAX)
                CreateDWordField (WIND, \_SB.PCI0.PMEM._LEN, PLEN)
                Store (MEMB, PMIN)
                Add (Subtract (PMAX, PMIN), 1, PLEN)
                Return (WIND)
            }

            /* Slots take the four lines in turn, slot 1's INTA# being the power management's own (IRQ 9). */
            Name (_PRT, Package (128)
            {
                Package (4) { 0x0000FFFF, 0, LNKD, 0 }, Package (4) { 0x0000FFFF, 1, LNKA, 0 },
                Package (4) { 0x0000FFFF, 2, LNKB, 0 }, Package (4) { 0x0000FFFF, 3, LNKC, 0 },
                Package (4) { 0x0001FFFF, 0, LNKS, 0 }, Package (4) { 0x0001FFFF, 1, LNKB, 0 },
                Package (4) { 0x0001FFFF, 2, LNKC, 0 }, Package (4) { 0x0001FFFF, 3, LNKD, 0 },
                Package (4) { 0x0002FFFF, 0, LNKB, 0 }, Package (4) { 0x0002FFFF, 1, LNKC, 0 },
                Package (4) { 0x0002FFFF, 2, LNKD, 0 }, Package (4) { 0x0002FFFF, 3, LNKA, 0 },
                Package (4) { 0x0003FFFF, 0, LNKC, 0 }, Package (4) { 0x0003FFFF, 1, LNKD, 0 },
                Package (4) { 0x0003FFFF, 2, LNKA, 0 }, Package (4) { 0x0003FFFF, 3, LNKB, 0 },
                Package (4) { 0x0004FFFF, 0, LNKD, 0 }, Package (4) { 0x0004FFFF, 1, LNKA, 0 },
                Package (4) { 0x0004FFFF, 2, LNKB, 0 }, Package (4) { 0x0004FFFF, 3, LNKC, 0 },
                Package (4) { 0x0005FFFF, 0, LNKA, 0 }, Package (4) { 0x0005FFFF, 1, LNKB, 0 },
                Package (4) { 0x0005FFFF, 2, LNKC, 0 }, Package (4) { 0x0005FFFF, 3, LNKD, 0 },
                Package (4) { 0x0006FFFF, 0, LNKB, 0 }, Package (4) { 0x0006FFFF, 1, LNKC, 0 },
                Package (4) { 0x0006FFFF, 2, LNKD, 0 }, Package (4) { 0x0006FFFF, 3, LNKA, 0 },
                Package (4) { 0x0007FFFF, 0, LNKC, 0 }, Package (4) { 0x0007FFFF, 1, LNKD, 0 },
                Package (4) { 0x0007FFFF, 2, LNKA, 0 }, Package (4) { 0x0007FFFF, 3, LNKB, 0 },
                Package (4) { 0x0008FFFF, 0, LNKD, 0 }, Package (4) { 0x0008FFFF, 1, LNKA, 0 },
                Package (4) { 0x0008FFFF, 2, LNKB, 0 }, Package (4) { 0x0008FFFF, 3, LNKC, 0 },
                Package (4) { 0x0009FFFF, 0, LNKA, 0 }, Package (4) { 0x0009FFFF, 1, LNKB, 0 },
                Package (4) { 0x0009FFFF, 2, LNKC, 0 }, Package (4) { 0x0009FFFF, 3, LNKD, 0 },
                Package (4) { 0x000AFFFF, 0, LNKB, 0 }, Package (4) { 0x000AFFFF, 1, LNKC, 0 },
                Package (4) { 0x000AFFFF, 2, LNKD, 0 }, Package (4) { 0x000AFFFF, 3, LNKA, 0 },
                Package (4) { 0x000BFFFF, 0, LNKC, 0 }, Package (4) { 0x000BFFFF, 1, LNKD, 0 },
                Package (4) { 0x000BFFFF, 2, LNKA, 0 }, Package (4) { 0x000BFFFF, 3, LNKB, 0 },
                Package (4) { 0x000CFFFF, 0, LNKD, 0 }, Package (4) { 0x000CFFFF, 1, LNKA, 0 },
                Package (4) { 0x000CFFFF, 2, LNKB, 0 }, Package (4) { 0x000CFFFF, 3, LNKC, 0 },
                Package (4) { 0x000DFFFF, 0, LNKA, 0 }, Package (4) { 0x000DFFFF, 1, LNKB, 0 },
                Package (4) { 0x000DFFFF, 2, LNKC, 0 }, Package (4) { 0x000DFFFF, 3, LNKD, 0 },
                Package (4) { 0x000EFFFF, 0, LNKB, 0 }, Package (4) { 0x000EFFFF, 1, LNKC, 0 },
                Package (4) { 0x000EFFFF, 2, LNKD, 0 }, Package (4) { 0x000EFFFF, 3, LNKA, 0 },
                Package (4) { 0x000FFFFF, 0, LNKC, 0 }, Package (4) { 0x000FFFFF, 1, LNKD, 0 },
                Package (4) { 0x000FFFFF, 2, LNKA, 0 }, Package (4) { 0x000FFFFF, 3, LNKB, 0 },
                Package (4) { 0x0010FFFF, 0, LNKD, 0 }, Package (4) { 0x0010FFFF, 1, LNKA, 0 },
                Package (4) { 0x0010FFFF, 2, LNKB, 0 }, Package (4) { 0x0010FFFF, 3, LNKC, 0 },
                Package (4) { 0x0011FFFF, 0, LNKA, 0 }, Package (4) { 0x0011FFFF, 1, LNKB, 0 },
                Package (4) { 0x0011FFFF, 2, LNKC, 0 }, Package (4) { 0x0011FFFF, 3, LNKD, 0 },
                Package (4) { 0x0012FFFF, 0, LNKB, 0 }, Package (4) { 0x0012FFFF, 1, LNKC, 0 },
                Package (4) { 0x0012FFFF, 2, LNKD, 0 }, Package (4) { 0x0012FFFF, 3, LNKA, 0 },
                Package (4) { 0x0013FFFF, 0, LNKC, 0 }, Package (4) { 0x0013FFFF, 1, LNKD, 0 },
                Package (4) { 0x0013FFFF, 2, LNKA, 0 }, Package (4) { 0x0013FFFF, 3, LNKB, 0 },
                Package (4) { 0x0014FFFF, 0, LNKD, 0 }, Package (4) { 0x0014FFFF, 1, LNKA, 0 },
                Package (4) { 0x0014FFFF, 2, LNKB, 0 }, Package (4) { 0x0014FFFF, 3, LNKC, 0 },
                Package (4) { 0x0015FFFF, 0, LNKA, 0 }, Package (4) { 0x0015FFFF, 1, LNKB, 0 },
                Package (4) { 0x0015FFFF, 2, LNKC, 0 }, Package (4) { 0x0015FFFF, 3, LNKD, 0 },
                Package (4) { 0x0016FFFF, 0, LNKB, 0 }, Package (4) { 0x0016FFFF, 1, LNKC, 0 },
                Package (4) { 0x0016FFFF, 2, LNKD, 0 }, Package (4) { 0x0016FFFF, 3, LNKA, 0 },
                Package (4) { 0x0017FFFF, 0, LNKC, 0 }, Package (4) { 0x0017FFFF, 1, LNKD, 0 },
                Package (4) { 0x0017FFFF, 2, LNKA, 0 }, Package (4) { 0x0017FFFF, 3, LNKB, 0 },
                Package (4) { 0x0018FFFF, 0, LNKD, 0 }, Package (4) { 0x0018FFFF, 1, LNKA, 0 },
                Package (4) { 0x0018FFFF, 2, LNKB, 0 }, Package (4) { 0x0018FFFF, 3, LNKC, 0 },
                Package (4) { 0x0019FFFF, 0, LNKA, 0 }, Package (4) { 0x0019FFFF, 1, LNKB, 0 },
                Package (4) { 0x0019FFFF, 2, LNKC, 0 }, Package (4) { 0x0019FFFF, 3, LNKD, 0 },
                Package (4) { 0x001AFFFF, 0, LNKB, 0 }, Package (4) { 0x001AFFFF, 1, LNKC, 0 },
                Package (4) { 0x001AFFFF, 2, LNKD, 0 }, Package (4) { 0x001AFFFF, 3, LNKA, 0 },
                Package (4) { 0x001BFFFF, 0, LNKC, 0 }, Package (4) { 0x001BFFFF, 1, LNKD, 0 },
                Package (4) { 0x001BFFFF, 2, LNKA, 0 }, Package (4) { 0x001BFFFF, 3, LNKB, 0 },
                Package (4) { 0x001CFFFF, 0, LNKD, 0 }, Package (4) { 0x001CFFFF, 1, LNKA, 0 },
                Package (4) { 0x001CFFFF, 2, LNKB, 0 }, Package (4) { 0x001CFFFF, 3, LNKC, 0 },
                Package (4) { 0x001DFFFF, 0, LNKA, 0 }, Package (4) { 0x001DFFFF, 1, LNKB, 0 },
                Package (4) { 0x001DFFFF, 2, LNKC, 0 }, Package (4) { 0x001DFFFF, 3, LNKD, 0 },
                Package (4) { 0x001EFFFF, 0, LNKB, 0 }, Package (4) { 0x001EFFFF, 1, LNKC, 0 },
                Package (4) { 0x001EFFFF, 2, LNKD, 0 }, Package (4) { 0x001EFFFF, 3, LNKA, 0 },
                Package (4) { 0x001FFFFF, 0, LNKC, 0 }, Package (4) { 0x001FFFFF, 1, LNKD, 0 },
                Package (4) { 0x001FFFFF, 2, LNKA, 0 }, Package (4) { 0x001FFFFF, 3, LNKB, 0 }
            })

            /* 00:01.0, the ISA bridge and what lies behind it */
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 4)
                Field (PIRQ, ByteAcc, NoLock, Preserve) { PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8 }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0070, 0x0070, 1, 8) IRQNoFlags () { 8 } })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_STA, 0x0F)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_STA, 0x0F)
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
                }
                Device (FDC0)
                {
                    Name (_HID, EisaId ("PNP0700"))
                    Method (_STA, 0) { If (FDCN) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F2, 0x03F2, 0, 4)
                        IO (Decode16, 0x03F7, 0x03F7, 0, 1)
                        IRQNoFlags () { 6 }
                        DMA (Compatibility, NotBusMaster, Transfer8) { 2 }
                    })
                }
                Device (LPT1)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Name (_UID, 1)
                    Method (_STA, 0) { If (And (LPTS, 1)) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0378, 0x0378, 8, 8) IRQNoFlags () { 7 } })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Method (_STA, 0) { If (And (COMS, 1)) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x03F8, 0x03F8, 0, 8) IRQNoFlags () { 4 } })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Method (_STA, 0) { If (And (COMS, 2)) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x02F8, 0x02F8, 0, 8) IRQNoFlags () { 3 } })
                }
                Device (COM3)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 3)
                    Method (_STA, 0) { If (And (COMS, 4)) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x03E8, 0x03E8, 0, 8) IRQNoFlags () { 4 } })
                }
                Device (COM4)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 4)
                    Method (_STA, 0) { If (And (COMS, 8)) { Return (0x0F) } Return (0) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x02E8, 0x02E8, 0, 8) IRQNoFlags () { 3 } })
                }
            }
        }

        /* fw_cfg, as QEMU describes its own: Linux shows the files in /sys/firmware. */
        Device (FWCF)
        {
            Name (_HID, "QEMU0002")
            Name (_STA, 0x0B)
            Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0510, 0x0510, 1, 0x0C) })
        }

        /* The PIRQ routing registers of the PIIX3 as interrupt links. */
        Name (PRSP, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 } })
        Name (CRSP, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 } })
        Method (LSTA, 1)
        {
            If (And (Arg0, 0x80)) { Return (0x09) }
            Return (0x0B)
        }
        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (CRSP, 0x05, LIRQ)
            Store (0, LIRQ)
            If (LLess (Arg0, 0x80)) { Store (Arg0, LIRQ) }
            Return (CRSP)
        }
        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA, 0) { Return (LSTA (\_SB.PCI0.ISA.PRQA)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_DIS, 0) { Or (\_SB.PCI0.ISA.PRQA, 0x80, \_SB.PCI0.ISA.PRQA) }
            Method (_CRS, 0) { Return (LCRS (\_SB.PCI0.ISA.PRQA)) }
            Method (_SRS, 1, Serialized) { CreateDWordField (Arg0, 0x05, LIRQ) Store (LIRQ, \_SB.PCI0.ISA.PRQA) }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA, 0) { Return (LSTA (\_SB.PCI0.ISA.PRQB)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_DIS, 0) { Or (\_SB.PCI0.ISA.PRQB, 0x80, \_SB.PCI0.ISA.PRQB) }
            Method (_CRS, 0) { Return (LCRS (\_SB.PCI0.ISA.PRQB)) }
            Method (_SRS, 1, Serialized) { CreateDWordField (Arg0, 0x05, LIRQ) Store (LIRQ, \_SB.PCI0.ISA.PRQB) }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA, 0) { Return (LSTA (\_SB.PCI0.ISA.PRQC)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_DIS, 0) { Or (\_SB.PCI0.ISA.PRQC, 0x80, \_SB.PCI0.ISA.PRQC) }
            Method (_CRS, 0) { Return (LCRS (\_SB.PCI0.ISA.PRQC)) }
            Method (_SRS, 1, Serialized) { CreateDWordField (Arg0, 0x05, LIRQ) Store (LIRQ, \_SB.PCI0.ISA.PRQC) }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Method (_STA, 0) { Return (LSTA (\_SB.PCI0.ISA.PRQD)) }
            Method (_PRS, 0) { Return (PRSP) }
            Method (_DIS, 0) { Or (\_SB.PCI0.ISA.PRQD, 0x80, \_SB.PCI0.ISA.PRQD) }
            Method (_CRS, 0) { Return (LCRS (\_SB.PCI0.ISA.PRQD)) }
            Method (_SRS, 1, Serialized) { CreateDWordField (Arg0, 0x05, LIRQ) Store (LIRQ, \_SB.PCI0.ISA.PRQD) }
        }
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 5)
            Name (_STA, 0x0B)
            Name (_PRS, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 } })
            Name (_CRS, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 } })
            Method (_DIS, 0) {}
            Method (_SRS, 1) {}
        }
    }
}
