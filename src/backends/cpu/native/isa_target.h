// What the instruction level of the current compilation offers. Files that include this one are
// compiled once per level; everything in them lives in a namespace named after the level
// (SAMPAN_ISA, set by the build), so that no two levels share an inline function.
#pragma once

#if !defined(SAMPAN_ISA)
#error "SAMPAN_ISA must name the instruction level; see CMakeLists.txt of this folder"
#endif

#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace sampan::cpu::native::SAMPAN_ISA {

#if defined(__AVX512F__)
inline constexpr int kVecBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVecBytes = 32;
#else
inline constexpr int kVecBytes = 16;
#endif

/// 32-bit lanes of the widest vector.
inline constexpr int kLanes = kVecBytes / 4;

// The register tile: kTileRows x (kTileVecs * kLanes) accumulators, kTileVecs registers of B and
// one broadcast of A. 8 x 48 reaches 99 % of the FMA peak on Zen 5 (2026-11-22).
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kTileRows = 8;  // of 32 registers
inline constexpr int kTileVecs = 3;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 4;  // of 16 registers
inline constexpr int kTileVecs = 3;
#else
inline constexpr int kTileRows = 4;  // of 16 registers, one of which holds each product
inline constexpr int kTileVecs = 2;
#endif

inline constexpr int kTileCols = kTileVecs * kLanes;

}  // namespace sampan::cpu::native::SAMPAN_ISA
