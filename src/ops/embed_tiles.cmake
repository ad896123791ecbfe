# Writes the tile table INPUT as C++ to OUTPUT.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "// Generated from kernels/tuning.\n#include \"ops/tile_table.h\"\n
namespace sampan::ops {\n\nstd::string_view tile_table_text() { return R\"SAMPAN(${text})SAMPAN\"; }\n
}  // namespace sampan::ops\n")
