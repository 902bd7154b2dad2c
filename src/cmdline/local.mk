libx86vm_a_SOURCES += \
	src/cmdline/accel.def src/cmdline/cmdline.h src/cmdline/options.c src/cmdline/options.def src/cmdline/options.h \
	src/cmdline/optdevice.c src/cmdline/optdisk.c src/cmdline/optline.c src/cmdline/optmachine.c src/cmdline/optrun.c \
	src/cmdline/optscreen.c src/cmdline/props.c src/cmdline/props.h src/cmdline/readconfig.c

# The man page and the completions are made from the table.
noinst_PROGRAMS += src/optdoc
src_optdoc_SOURCES = src/cmdline/optdoc.c
nodist_man1_MANS = x86vm.1
x86vm.1: src/optdoc$(EXEEXT) docs/x86vm.1.in
	$(AM_V_GEN)src/optdoc man $(top_srcdir)/docs/x86vm.1.in >$@.tmp && mv $@.tmp $@
bashcompletionsdir = $(datadir)/bash-completion/completions
nodist_bashcompletions_DATA = completions/bash/x86vm
completions/bash/x86vm: src/optdoc$(EXEEXT)
	@$(MKDIR_P) completions/bash
	$(AM_V_GEN)src/optdoc bash >$@.tmp && mv $@.tmp $@
zshcompletionsdir = $(datadir)/zsh/site-functions
nodist_zshcompletions_DATA = completions/zsh/_x86vm
completions/zsh/_x86vm: src/optdoc$(EXEEXT)
	@$(MKDIR_P) completions/zsh
	$(AM_V_GEN)src/optdoc zsh >$@.tmp && mv $@.tmp $@
CLEANFILES += $(nodist_man1_MANS) $(nodist_bashcompletions_DATA) $(nodist_zshcompletions_DATA)
EXTRA_DIST += docs/x86vm.1.in
