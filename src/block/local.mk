libx86vm_a_SOURCES += \
  src/block/block.c src/block/block.h \
  src/block/geometry.c src/block/geometry.h \
  src/block/lock.c src/block/lock.h \
  src/block/overlay.c src/block/overlay.h \
  src/block/probe.c src/block/probe.h \
  src/block/queue.c src/block/queue.h \
  src/block/rw.c src/block/rw.h
