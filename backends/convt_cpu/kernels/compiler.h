/* What GCC and clang spell differently; each ignores the other's pragmas.
 *
 *     CONVT_AVX2_BEGIN ... CONVT_TARGET_END      the functions between them are for that instruction set
 *     CONVT_UNROLL(n)                            the loop that follows has at most n rounds and becomes none
 *     CONVT_UNROLL_KNOWN(n)                      the same where inlining makes the number of rounds known; else it stays */
#ifndef CONVT_COMPILER_H
#define CONVT_COMPILER_H

#define CONVT_PRAGMA(text) _Pragma(#text)

#ifdef __clang__
#define CONVT_UNROLL(n) CONVT_PRAGMA(clang loop unroll(full)) /* with a count it comes too late for sums in registers */
#define CONVT_UNROLL_KNOWN(n)                                 /* done unasked; where it is asked and cannot, it warns */
#else
#define CONVT_UNROLL(n) CONVT_PRAGMA(GCC unroll n)
#define CONVT_UNROLL_KNOWN(n) CONVT_UNROLL(n)
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CONVT_X86_64 /* instruction sets beyond the baseline can be compiled and asked for */
#define CONVT_AVX512 "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"
#define CONVT_AVX2 "avx2,fma"

#ifdef __clang__ /* it takes vectors of 64 bytes unasked */
#define CONVT_TARGET_BEGIN(names) CONVT_PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define CONVT_TARGET_END CONVT_PRAGMA(clang attribute pop)
#define CONVT_AVX512_BEGIN CONVT_TARGET_BEGIN(CONVT_AVX512)
#else
#define CONVT_TARGET_BEGIN(names) CONVT_PRAGMA(GCC push_options) CONVT_PRAGMA(GCC target(names))
#define CONVT_TARGET_END CONVT_PRAGMA(GCC pop_options)
#define CONVT_AVX512_BEGIN CONVT_TARGET_BEGIN(CONVT_AVX512 ",prefer-vector-width=512")
#endif
#define CONVT_AVX2_BEGIN CONVT_TARGET_BEGIN(CONVT_AVX2)
#endif

#endif
