/* Text: printf's heart and the few string functions that everybody needs, for the kernel and for programs. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void format(void (*put)(void *to, char c), void *to, const char *text, va_list values);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
void *memmove(void *to, const void *from, size_t n);

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;
    asm volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    void *d = to;
    asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    char *d = (char *)to + n - 1;
    const char *s = (const char *)from + n - 1;
    asm volatile("std\n rep movsb\n cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
    return to;
}

/* The digits of value, last first, into digits[10]. Returns how many. */
static int digits_of(uint32_t value, uint32_t base, char *digits)
{
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    return n;
}

/* %d %u %x %c %s %%, with a width, '-' for left and '0' for zeros in front. */
void format(void (*put)(void *to, char c), void *to, const char *text, va_list values)
{
    for (; *text; text++) {
        if (*text != '%') {
            put(to, *text);
            continue;
        }
        bool left = false, negative = false;
        char fill = ' ', digits[10], one;
        const char *body = digits;
        int width = 0, length = 0, step = 1;
        for (text++; *text == '-' || *text == '0'; text++)
            if (*text == '-')
                left = true;
            else
                fill = '0';
        for (; *text >= '0' && *text <= '9'; text++)
            width = width * 10 + *text - '0';
        if (*text == 's') {
            body = va_arg(values, const char *);
            length = strlen(body);
        } else if (*text == 'c') {
            one = va_arg(values, int);
            body = &one;
            length = 1;
        } else if (*text == '%') {
            body = "%";
            length = 1;
        } else {
            uint32_t value = va_arg(values, uint32_t);
            negative = *text == 'd' && (int32_t)value < 0;
            length = digits_of(negative ? -value : value, *text == 'x' ? 16 : 10, digits);
            body = digits + length - 1; /* they are read backwards */
            step = -1;
        }
        if (negative && fill == '0')
            put(to, '-');
        for (int pad = length + negative; !left && pad < width; pad++)
            put(to, fill);
        if (negative && fill == ' ')
            put(to, '-');
        for (int n = 0; n < length; n++)
            put(to, body[n * step]);
        for (int pad = length + negative; left && pad < width; pad++)
            put(to, ' ');
    }
}
