/*
 * The demo disk's image, in the program.
 */
#pragma once

extern const char demo_disk_start[], demo_disk_end[];
