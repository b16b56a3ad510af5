// A HAL component with pins, a parameter and a signal: liblinuxcnchal's own functions, declared as LinuxCNC 2.9's
// src/hal/hal.h declares them (Debian has no package of that header).
#include <stdio.h>

int hal_init(const char *name);
int hal_ready(int component);
void *hal_malloc(long size);
int hal_pin_float_newf(int direction, double **data, int component, const char *format, ...);
int hal_pin_bit_newf(int direction, char **data, int component, const char *format, ...);
int hal_pin_s32_newf(int direction, int **data, int component, const char *format, ...);
int hal_pin_u32_newf(int direction, unsigned **data, int component, const char *format, ...);
int hal_param_u32_newf(int direction, unsigned *data, int component, const char *format, ...);
int hal_signal_new(const char *name, int type);
int hal_link(const char *pin, const char *signal);

enum { FLOAT = 2, IN = 16, OUT = 32, RW = 192, AXES = 500 };

struct data {
    double *speed;
    char *enable;
    int *count;
    unsigned *mask, limit;
    double *position[AXES];
};

int main(void) {
    int component = hal_init("spindle");
    struct data *data = hal_malloc(sizeof *data);
    if (hal_pin_float_newf(OUT, &data->speed, component, "spindle.%d.speed", 0) ||
        hal_pin_bit_newf(IN, &data->enable, component, "spindle.%d.enable", 0) ||
        hal_pin_s32_newf(OUT, &data->count, component, "spindle.%d.count", 0) ||
        hal_pin_u32_newf(OUT | IN, &data->mask, component, "spindle.%d.mask", 0) ||
        hal_param_u32_newf(RW, &data->limit, component, "spindle.%d.limit", 0) ||
        hal_signal_new("spindle-speed", FLOAT) || hal_link("spindle.0.speed", "spindle-speed"))
        return 1;
    // Many, as machines have them: pins, signals and values stand far from each other.
    for (int axis = 0; axis < AXES; axis++) {
        char pin[32], signal[32];
        snprintf(pin, sizeof pin, "axis.%d.position", axis);
        snprintf(signal, sizeof signal, "position-%d", axis);
        if (hal_pin_float_newf(OUT, &data->position[axis], component, "%s", pin) || hal_signal_new(signal, FLOAT) ||
            hal_link(pin, signal))
            return 1;
        *data->position[axis] = axis / 4.0;
    }
    hal_ready(component);
    *data->speed = 4.25;
    *data->enable = 1;
    *data->count = -12;
    *data->mask = 0xdeadbeef;
    data->limit = 77;
    puts("ready");
    fflush(stdout);
    getchar();
}
