/* Which rows and keys a group of attention works on. Takes the tile macros BR, BC, TM, GX, GY and
   VW. */
#ifndef SAMPAN_ATTENTION_PLACE_H
#define SAMPAN_ATTENTION_PLACE_H

#include "sampan_kernel.h"

#define ATTENTION_CAUSAL 1u
#define ATTENTION_LENGTHS 2u
#define ATTENTION_PAGED 4u

/* A group's rows: row r is query r / per_query with one of the per_query heads of a key head. */
typedef struct {
  u32 tx, ty, item;
  u32 sq, keys, flags; /* keys of this batch */
  u32 per_query, rows; /* rows of this key head */
  u32 row0, rows_used; /* the group's first row, and how many it works on: whole register tiles */
  u32 d, d_used;       /* d_used: whole vectors */
} attention_place;

/* How many keys the query of a row sees. */
FN u32 visible_keys(attention_place at, u32 row) {
  if (row >= at.rows) return 0;
  if (!(at.flags & ATTENTION_CAUSAL)) return at.keys;
  return (u32)MAX((i32)(at.keys + row / at.per_query + 1) - (i32)at.sq, 0);
}

/* `keys`: how many the group's batch has. */
FN attention_place place(u32 tx, u32 ty, u32 row0, u32 sq, u32 keys, u32 per_query, u32 d,
                         u32 flags) {
  attention_place at;
  at.tx = tx;
  at.ty = ty;
  at.item = ty * GX + tx;
  at.sq = sq;
  at.keys = keys;
  at.flags = flags;
  at.per_query = per_query;
  at.rows = sq * per_query;
  at.row0 = row0;
  at.rows_used = ROUND_UP(MIN(at.rows - row0, (u32)BR), GY * TM);
  at.d = d;
  at.d_used = ROUND_UP(d, VW);
  return at;
}

/* The keys of a split, cut at what the group's last row sees. */
typedef struct {
  u32 begin, end;
} key_range;
FN key_range keys_of(attention_place at, u32 skv, u32 split, u32 splits) {
  const u32 per_split = ROUND_UP(CEIL_DIV(skv, splits), BC);
  const u32 last_seen = visible_keys(at, at.row0 + MIN(at.rows - at.row0, (u32)BR) - 1);
  key_range keys;
  keys.begin = splits == 1 ? 0 : MIN(split * per_split, last_seen);
  keys.end = splits == 1 ? last_seen : MIN(keys.begin + per_split, last_seen);
  return keys;
}

#endif
