/* What CPUID says of an x86-64 processor: vendor, family, model, brand. */
#ifndef CONVT_PROCESSOR_H
#define CONVT_PROCESSOR_H

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Whether there is a processor to ask. Both texts end with a zero; brand is empty where there is none. */
static int convt_cpuid(char vendor[13], char brand[49], int *family, int *model)
{
    unsigned a, b, c, d, leaf, words[12];
    if (!__get_cpuid(0, &a, &b, &c, &d))
        return 0;
    memcpy(vendor, &b, 4);
    memcpy(vendor + 4, &d, 4);
    memcpy(vendor + 8, &c, 4);
    vendor[12] = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    /* The extended family adds to a base of 15; the extended model counts where the base is 6 or 15. */
    *family = a >> 8 & 15;
    *model = a >> 4 & 15;
    if (*family == 6 || *family == 15)
        *model += (a >> 16 & 15) << 4;
    if (*family == 15)
        *family += a >> 20 & 255;
    brand[0] = 0;
    for (leaf = 0; leaf < 3; leaf++) {
        unsigned *w = words + 4 * leaf;
        if (!__get_cpuid(0x80000002 + leaf, w, w + 1, w + 2, w + 3))
            return 1;
    }
    memcpy(brand, words, 48);
    brand[48] = 0;
    return 1;
}
#else
static int convt_cpuid(char vendor[13], char brand[49], int *family, int *model)
{
    (void)vendor, (void)brand, (void)family, (void)model;
    return 0;
}
#endif

#endif
