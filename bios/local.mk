# files of bios/
