/* A problem, as plans have it; ../_geometry.pxd fills it. Axes as they are walked: missing ones, in front, have size 1. */
#ifndef CONVT_GEOMETRY_H
#define CONVT_GEOMETRY_H

#include <stdint.h>

typedef struct {
    int64_t batch, groups;
    int64_t fine_channels, coarse_channels; /* per group */
    int64_t fine[3], coarse[3], kernel[3], stride[3], padding[3], dilation[3];
    int64_t taps; /* of all axes */
    int64_t size; /* of an element, in bytes */
} convt_geometry;

#endif
