/*
 * x86vm: the program.
 */
#include "cmdline/options.h"
#include "vm.h"

int main(int argc, char **argv)
{
    GError *error = NULL;
    VmConfig *config = vm_config_new();
    int status = 1;

    switch (options_parse(argc, argv, config, &error)) {
    case OPTIONS_RUN: {
        Vm *vm = vm_new(config, &error);
        if (vm)
            status = vm_run(vm);
        vm_free(vm);
        break;
    }
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
