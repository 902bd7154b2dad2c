libx86vm_a_SOURCES += src/vcpu.h src/stretch.h src/debughooks.h src/irqline.h src/clock.c src/clock.h src/chardev.h
libx86vm_a_SOURCES += src/chaos.c src/chaos.h src/dice.h src/daemon.c src/daemon.h src/demodisk.S src/demodisk.h src/timespent.c src/timespent.h src/hostlines.c src/hostlines.h src/vcputhread.c src/vcputhread.h src/vm.c src/vm.h src/vmconfig.c src/vmconfig.h src/vmscreen.c src/vmscreen.h

bin_PROGRAMS += src/x86vm
src_x86vm_SOURCES = src/main.c
src/demodisk.$(OBJEXT): demo/demo.img
