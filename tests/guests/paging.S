# Paging: every cause of #PF with its error code and CR2, A and D bits, WP, large pages, global pages, PAE and NX.
# SDM 3A chapter 4
        .include "common.inc"

        .set DIR, 0x100000
        .set TABLE, 0x101000            # maps 4 MiB to 8 MiB; the first 4 MiB are one identity-mapped large page
        .set PDPT, 0x102000
        .set PAE_DIR, 0x103000
        .set PAE_TABLE, 0x104000
        .set FRAME, 0x200000
        .set PAGE, 0x400000             # linear addresses under test
gdt_end:
        .balign 4
page:   .long PAGE

        .macro PTE n, flags             # entry n of the table, frame FRAME + n pages; flush
        movl $(FRAME + \n * 0x1000 + \flags), TABLE + 4 * \n
        movl %cr3, %eax
        movl %eax, %cr3
        .endm
        .macro BITS addr, mask, value
        movl \addr, %eax
        andl $\mask, %eax
        CHECK \value
        .endm

guest_main:
        movl $DIR, %edi
        xorl %eax, %eax
        movl $0x1800, %ecx
        cld
        rep stosl
        movl $0x87, DIR                 # user, writable, 4 MiB
        movl $TABLE + 7, DIR + 4
        movl %cr4, %eax
        orl $0x90, %eax                 # PSE, PGE
        movl %eax, %cr4
        movl $DIR, %eax
        movl %eax, %cr3
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        jmp 1f
1:
        # ---- not present ----
        PAGE_FAULT 0, PAGE, movl PAGE, %eax
        PAGE_FAULT 2, PAGE + 4, movl %eax, PAGE + 4
        PAGE_FAULT 0, 0x800000, movl 0x800000, %eax
        TO_USER 0x3002
        PAGE_FAULT 4, PAGE, movl PAGE, %eax
        TO_USER 0x3002
        PAGE_FAULT 6, PAGE, movl %eax, PAGE
        # an access that crosses: CR2 is where the second page begins
        PTE 0, 7
        PAGE_FAULT 0, PAGE + 0x1000, movl PAGE + 0xffe, %eax
        PAGE_FAULT 2, PAGE + 0x1000, movl %eax, PAGE + 0xffe
        # an instruction that lies there
        movl $1f, resume
        movl $PAGE + 0x1000, culprit
        jmp *culprit
1:      EXPECT 0xe00e0000, 0, PAGE + 0x1000

        # ---- A and D ----
        PTE 0, 7
        BITS TABLE, 0x60, 0
        movl PAGE, %eax
        BITS TABLE, 0x60, 0x20
        movl %eax, PAGE
        BITS TABLE, 0x60, 0x60
        BITS DIR + 4, 0x20, 0x20
        BITS DIR, 0x60, 0x60            # a large page has both in its directory entry

        # ---- rights ----
        PTE 0, 3                        # supervisor
        TO_USER 0x3002
        PAGE_FAULT 5, PAGE, movl PAGE, %eax
        TO_USER 0x3002
        PAGE_FAULT 7, PAGE, movl %eax, PAGE
        TO_USER 0x3002
        movl $1f, resume
        movl $PAGE, culprit
        jmp *culprit
1:      EXPECT 0xe00e0005, 0, PAGE
        PTE 0, 5                        # user, read only
        TO_USER 0x3002
        movl PAGE, %ebx
        PAGE_FAULT 7, PAGE, movl %eax, PAGE
        movl $0x12345678, PAGE          # WP is clear: the supervisor may
        BITS TABLE, 0x60, 0x60
        movl %cr0, %eax
        orl $0x10000, %eax
        movl %eax, %cr0
        PTE 0, 5
        PAGE_FAULT 3, PAGE, movl %eax, PAGE
        PAGE_FAULT 3, PAGE, orl $0, PAGE        # read-modify-write is a write
        movl $TABLE + 5, DIR + 4        # read only above
        PTE 0, 7
        PAGE_FAULT 3, PAGE, movl %eax, PAGE
        movl $TABLE + 7, DIR + 4
        movl %cr0, %eax
        andl $~0x10000, %eax
        movl %eax, %cr0

        # ---- SMAP: the supervisor, at user pages ----
        TO_USER 0x3002
        FAULT 6, 0xffff, stac
        movl $0x83, DIR                 # what runs here is the supervisor's, or it could not
        movl %cr4, %eax
        orl $0x200000, %eax
        movl %eax, %cr4
        clac
        PTE 0, 7
        PAGE_FAULT 1, PAGE, movl PAGE, %eax
        PAGE_FAULT 3, PAGE, movl %eax, PAGE
        stac
        movl $0x909090c3, PAGE          # ret
        movl PAGE, %eax
        CHECK 0x909090c3
        clac
        PAGE_FAULT 1, PAGE, movl PAGE, %eax     # whatever a TLB may know
        PAGE_FAULT 3, PAGE, orl $0, PAGE
        call *page                      # code is no matter of SMAP's
        stac
        movl $PAGE, %esi
        movl $FRAME + 0x3000, %edi
        movl $4, %ecx
        rep movsb
        pushfl
        andl $~0x40000, (%esp)          # AC
        popfl
        movl $PAGE, %esi
        movl $FRAME + 0x3000, %edi
        movl $4, %ecx
        PAGE_FAULT 1, PAGE, rep movsb
        PTE 0, 3                        # the supervisor's own
        movl PAGE, %eax
        movl %eax, PAGE
        PTE 0, 7
        movl %cr4, %eax
        andl $~0x200000, %eax
        movl %eax, %cr4
        movl PAGE, %eax
        movl $0x87, DIR
        movl %cr3, %eax
        movl %eax, %cr3

        # ---- reserved bits: a large page's bit 21 ----
        movl $0x00a00087, DIR + 12
        PAGE_FAULT 9, 0xc00000, movl 0xc00000, %eax
        PAGE_FAULT 11, 0xc00000, movl %eax, 0xc00000

        # ---- what the TLB keeps ----
        movl $0xaaaa0001, FRAME + 0x1000
        movl $0xaaaa0002, FRAME + 0x2000
        PTE 1, 0x107                    # global
        movl PAGE + 0x1000, %eax
        movl $FRAME + 0x2107, TABLE + 4
        movl %cr3, %eax
        movl %eax, %cr3
        movl PAGE + 0x1000, %eax
        CHECK 0xaaaa0001                # survives the CR3 load
        invlpg PAGE + 0x1000
        movl PAGE + 0x1000, %eax
        CHECK 0xaaaa0002
        movl $FRAME + 0x1107, TABLE + 4
        movl %cr4, %eax
        xorl $0x80, %eax
        movl %eax, %cr4                 # a change of PGE flushes all
        xorl $0x80, %eax
        movl %eax, %cr4
        movl PAGE + 0x1000, %eax
        CHECK 0xaaaa0001

        # ---- the supervisor's own accesses at CPL 3: descriptors ----
        movl $gdt + 0, %ebx
        TO_USER 0x3002
        movw %ds, %ax
        movw %ax, %es
        TO_KERNEL

        # ---- PAE, NX ----
        movl %cr0, %eax
        andl $0x7fffffff, %eax
        movl %eax, %cr0
        movl $PAE_DIR + 1, PDPT
        movl $0x87, PAE_DIR             # 0 to 2 MiB
        movl $0, PAE_DIR + 4
        movl $0x200087, PAE_DIR + 8     # 2 to 4 MiB
        movl $0, PAE_DIR + 12
        movl $PAE_TABLE + 7, PAE_DIR + 16
        movl $0, PAE_DIR + 20
        movl $FRAME + 7, PAE_TABLE
        movl $0x80000000, PAE_TABLE + 4 # NX
        movl %cr4, %eax
        orl $0x20, %eax
        movl %eax, %cr4
        movl $PDPT, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx
        xorl %edx, %edx
        movl $0x800, %eax
        wrmsr                           # EFER.NXE
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        jmp 1f
1:      movl $0xf4f4f4f4, PAGE          # data: allowed
        movl $1f, resume
        movl $PAGE, culprit
        jmp *culprit
1:      EXPECT 0xe00e0011, 0, PAGE
        TO_USER 0x3002
        movl $1f, resume
        movl $PAGE, culprit
        jmp *culprit
1:      EXPECT 0xe00e0015, 0, PAGE
        BITS PAE_TABLE, 0x60, 0x60
        PAGE_FAULT 0, 0x40000000, movl 0x40000000, %eax         # PDPTE not present
        movl $PAE_DIR + 1, PDPT + 8                             # in memory, but not latched
        PAGE_FAULT 0, 0x40000000, movl 0x40000000, %eax
        movl %cr3, %eax
        movl %eax, %cr3
        movl 0x40008000, %eax
        subl base_of_image, %eax
        CHECK 0
        movl $PAE_DIR + 3, PDPT + 8                             # a reserved bit
        movl %cr3, %eax
        FAULT 13, 0, movl %eax, %cr3
        movl $PAE_DIR + 1, PDPT + 8
        movl $0x10, PAE_TABLE + 4                               # beyond 36 bits
        movl %cr3, %eax
        movl %eax, %cr3
        PAGE_FAULT 9, PAGE, movl PAGE, %eax
        movl $0xc0000080, %ecx
        xorl %edx, %edx
        xorl %eax, %eax
        wrmsr                                                   # NXE clear: NX is reserved
        movl $0x80000000, PAE_TABLE + 4
        PAGE_FAULT 9, PAGE, movl PAGE, %eax
        hlt
