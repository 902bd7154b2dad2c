libx86vm_a_SOURCES +=
