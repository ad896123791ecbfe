# What every target of ours is compiled with.
add_library(sampan_warnings INTERFACE)
target_compile_options(sampan_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  $<$<BOOL:${SAMPAN_WERROR}>:-Werror>)
