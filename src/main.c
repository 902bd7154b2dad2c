/*
 * x86vm: the program.
 */
#include "cmdline/options.h"
#include "daemon.h"
#include "vm.h"

static int run(const VmConfig *config, GError **error)
{
    int daemon = DAEMON_NONE, status = 1;
    Pidfile *pidfile = NULL;

    if (config->daemonize && (daemon = daemon_start(error)) == DAEMON_NONE)
        return 1;
    if (config->pidfile && !(pidfile = pidfile_new(config->pidfile, error)))
        return 1;
    Vm *vm = vm_new(config, error);
    if (vm) {
        daemon_ready(daemon);
        status = vm_run(vm);
    }
    vm_free(vm);
    pidfile_free(pidfile);
    return status;
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    VmConfig *config = vm_config_new();
    int status = 1;

    switch (options_parse(argc, argv, config, &error)) {
    case OPTIONS_RUN:
        status = run(config, &error);
        break;
    case OPTIONS_DONE:
        status = 0;
        break;
    case OPTIONS_ERROR:
        break;
    }
    if (error)
        g_printerr("x86vm: %s\n", error->message);
    g_clear_error(&error);
    vm_config_free(config);
    return status;
}
