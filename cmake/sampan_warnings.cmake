# What every target of ours is compiled with.
add_library(sampan_warnings INTERFACE)
target_compile_options(sampan_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  # GCC 12 sees overlapping copies in std::string's operator+ that aren't there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # With sanitizers also uninitialised members in <regex> (GCC bug 105562).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${SAMPAN_SANITIZED}>>:-Wno-maybe-uninitialized>
  $<$<BOOL:${SAMPAN_WERROR}>:-Werror>)
