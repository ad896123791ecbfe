# sampan_add_cpu_kernels(<target> TILES <tiles.json>)
# Compiles the kernels of kernels/ ahead of time into <target>, the CPU backend: every kernel of TILES
# with each of its type combinations and with each tile of the class that belongs to an instruction level.
# Writes the table that builtin.h declares.
# Without sanitizers: unrolled vector code takes minutes to instrument, and Oclgrind checks the same source.
set(SAMPAN_CPU_KERNEL_OPTIONS
  -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti -fno-sanitize=all)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(SAMPAN_CPU_LEVELS x86_64_v2 x86_64_v3 x86_64_v4)
  set(SAMPAN_CPU_CLASS_x86_64_v2 cpu-vw4)
  set(SAMPAN_CPU_CLASS_x86_64_v3 cpu-vw8)
  set(SAMPAN_CPU_CLASS_x86_64_v4 cpu-vw16)
  set(SAMPAN_CPU_FLAGS_x86_64_v2 -march=x86-64-v2)
  set(SAMPAN_CPU_FLAGS_x86_64_v3 -march=x86-64-v3)
  set(SAMPAN_CPU_FLAGS_x86_64_v4 -march=x86-64-v4 -mprefer-vector-width=512)
else()
  set(SAMPAN_CPU_LEVELS generic)
  set(SAMPAN_CPU_CLASS_generic cpu-vw4)
endif()

# The entry points of a kernel file.
function(sampan_kernel_names out file)
  file(STRINGS ${file} lines REGEX "^KERNEL(_FLAT)?\\(")
  list(TRANSFORM lines REPLACE "^KERNEL(_FLAT)?\\( *([A-Za-z0-9_]+).*" "\\2")
  set(${out} ${lines} PARENT_SCOPE)
endfunction()

# The members of a JSON object as a list of "NAME VALUE".
function(sampan_json_pairs out json)
  set(pairs "")
  string(JSON count LENGTH "${json}")
  if(count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON name MEMBER "${json}" ${i})
      string(JSON value GET "${json}" ${name})
      list(APPEND pairs "${name} ${value}")
    endforeach()
  endif()
  set(${out} ${pairs} PARENT_SCOPE)
endfunction()

# The elements of a JSON array, as a list of lists of "NAME VALUE" with '|' between.
function(sampan_json_rows out json)
  set(rows "")
  string(JSON count LENGTH "${json}")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON element GET "${json}" ${i})
    sampan_json_pairs(pairs "${element}")
    string(REPLACE ";" "|" row "${pairs}")
    list(APPEND rows "|${row}")
  endforeach()
  set(${out} ${rows} PARENT_SCOPE)
endfunction()

function(sampan_add_cpu_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "TILES" "")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARG_TILES})
  file(READ ${ARG_TILES} tiles)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/builtin)
  set(externs "")
  set(arrays "")
  set(rows "")
  foreach(level IN LISTS SAMPAN_CPU_LEVELS)
    set(sources "")
    string(JSON class GET "${tiles}" targets ${SAMPAN_CPU_CLASS_${level}})
    string(JSON kernel_count LENGTH "${class}")
    math(EXPR last "${kernel_count} - 1")
    foreach(i RANGE ${last})
      string(JSON kernel MEMBER "${class}" ${i})
      string(JSON kernel_tiles GET "${class}" ${kernel})
      string(JSON kernel_types GET "${tiles}" kernels ${kernel} types)
      sampan_json_rows(tile_rows "${kernel_tiles}")
      sampan_json_rows(type_rows "${kernel_types}")
      set(source ${SAMPAN_KERNELS_DIR}/${kernel}.k)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
      sampan_kernel_names(names ${source})
      set(number 0)
      foreach(tile_row IN LISTS tile_rows)
        foreach(type_row IN LISTS type_rows)
          string(REPLACE "|" ";" pairs "${tile_row}${type_row}")
          list(REMOVE_ITEM pairs "")
          list(SORT pairs) # as the library sorts a module's options
          set(variant ${number}_${level})
          math(EXPR number "${number} + 1")
          set(text "")
          foreach(pair IN LISTS pairs)
            string(APPEND text "#define ${pair}\n")
          endforeach()
          string(APPEND text "#define SAMPAN_CPU_VARIANT ${variant}\n#include \"${kernel}.k\"\n")
          set(pointers "")
          foreach(name IN LISTS names)
            string(APPEND text "SAMPAN_CPU_EXPORT(${name})\n")
            string(APPEND externs "extern const sampan_cpu_kernel sampan_kernel_${name}__${variant};\n")
            string(APPEND pointers "&sampan_kernel_${name}__${variant}, ")
          endforeach()
          file(CONFIGURE OUTPUT ${folder}/${kernel}_${variant}.cpp CONTENT "${text}" @ONLY)
          list(APPEND sources ${folder}/${kernel}_${variant}.cpp)
          list(TRANSFORM pairs REPLACE "^([^ ]*) (.*)$" "-D\\1=\\2")
          list(JOIN pairs " " options)
          string(APPEND arrays
            "constexpr const sampan_cpu_kernel* kKernels_${kernel}_${variant}[] = {${pointers}};\n")
          string(APPEND rows "    {\"${kernel}\", \"${options}\", native::IsaLevel::${level}, "
            "kKernels_${kernel}_${variant}},\n")
        endforeach()
      endforeach()
    endforeach()
    set(objects ${target}_kernels_${level})
    add_library(${objects} OBJECT ${sources})
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_include_directories(${objects} PRIVATE ${SAMPAN_KERNELS_DIR} ${SAMPAN_KERNELS_DIR}/dialect)
    # In place of the folder's options, which may ask for a sanitizer.
    set_target_properties(${objects} PROPERTIES
      COMPILE_OPTIONS "${SAMPAN_CPU_KERNEL_OPTIONS};${SAMPAN_CPU_FLAGS_${level}}")
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  set(table ${folder}/builtin_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT "// Generated by sampan_add_cpu_kernels.
#include <iterator>

#include \"backends/cpu/builtin.h\"

extern \"C\" {
${externs}}

namespace sampan::cpu {
namespace {

${arrays}
constexpr BuiltinModule kModules[] = {
${rows}};

}  // namespace

std::span<const BuiltinModule> builtin_modules() { return kModules; }

}  // namespace sampan::cpu
" @ONLY)
  target_sources(${target} PRIVATE ${table})
endfunction()
