/* What a plug-in can do when it is opened or asked. */
#ifndef SAMPAN_TESTS_VARIANT_H
#define SAMPAN_TESTS_VARIANT_H

#define VARIANT_BEHAVES 0
#define VARIANT_THROWS 1
#define VARIANT_EXITS 2
#define VARIANT_ABORTS 3
#define VARIANT_CRASHES 4
#define VARIANT_HANGS 5

#ifdef __cplusplus
extern "C"
#endif
    void
    variant_do(int what);

#endif
