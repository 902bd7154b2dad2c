/*
 * Memory files whose pages may be executed.
 *
 * Since Linux 6.3 a host may make memfds that cannot be (vm.memfd_noexec) unless whoever makes them asks otherwise; earlier
 * kernels do not know the question.
 */
#pragma once

/* A new memfd, closed on exec, of no size yet; name is what /proc shows. -1 and errno when there is none; the caller closes it. */
int execfd_new(const char *name);
