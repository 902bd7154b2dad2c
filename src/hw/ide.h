/*
 * An IDE channel: two connectors, the command block (eight ports) and the control block (one port).
 *
 *     IdeChannel *ch = ide_channel_new(io, 0x1f0, 0x3f6, irq14);
 *     ide_attach(ch, 0, IDE_DISK, disk, "XM00001");
 *     ide_attach(ch, 1, IDE_CDROM, NULL, "XM00002");
 *
 * PIO works with this alone; DMA commands need a bus master (see piix_ide.h). All calls with the machine lock held.
 */
#pragma once

#include "block/block.h"
#include "irqline.h"
#include "softmmu/region.h"

typedef struct IdeChannel IdeChannel;

typedef enum IdeKind { IDE_NONE, IDE_DISK, IDE_CDROM } IdeKind;

/* Ports command..command+7 and control on io. */
IdeChannel *ide_channel_new(Bus *io, Gpa command, Gpa control, IrqLine irq);
/* The images are not closed. */
void ide_channel_free(IdeChannel *ch);

/*
 * Connect a drive to unit 0 or 1, before the machine starts. A disk has an image; a CD-ROM drive may be empty (NULL).
 * The image stays the caller's, and must outlive the channel or its replacement. serial: up to 20 characters, copied.
 */
void ide_attach(IdeChannel *ch, unsigned unit, IdeKind kind, BlockDev *image, const char *serial);

/* RESET#: as after power-on, but for the media. */
void ide_channel_reset(IdeChannel *ch);

IdeKind ide_drive_kind(const IdeChannel *ch, unsigned unit);
/* The image in a drive, or NULL. */
BlockDev *ide_drive_image(const IdeChannel *ch, unsigned unit);

/*
 * Exchange the disc of a CD-ROM drive (NULL: take it out); the guest is told by unit attention. False, and nothing
 * happens, when the guest has locked the tray and force is not set. The old image is then the caller's to close.
 */
bool ide_cdrom_change(IdeChannel *ch, unsigned unit, BlockDev *image, bool force);
bool ide_cdrom_tray_open(const IdeChannel *ch, unsigned unit);
