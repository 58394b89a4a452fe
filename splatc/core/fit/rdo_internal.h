/* The parts of rdo.c that are compiled once for each instruction set. */
#ifndef SPLATC_CORE_RDO_INTERNAL_H
#define SPLATC_CORE_RDO_INTERNAL_H

#include "internal.h"
#include "rdo.h"

#define DECLARE_RDO(level)                                                      \
    void rdo_draw_##level(const core_rdo *t, int64_t first, int64_t last);      \
    double rdo_error_##level(const core_rdo *t);                                \
    void rdo_choose_##level(const core_rdo *t, int64_t first, int64_t last);    \
    void rdo_arrange_##level(const core_rdo *t, int32_t *latest, int32_t *wave);
DECLARE_RDO(v2)
DECLARE_RDO(v3)
DECLARE_RDO(v4)
DECLARE_RDO(base)

#endif
