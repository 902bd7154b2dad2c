# Unit tests: one program per unit, TAP on stdout (GLib's g_test --tap).
# A test is added by:  check_PROGRAMS += tests/test-foo   and   tests_test_foo_SOURCES = tests/test-foo.c
