# The sanitizers' settings for all tests; what the caller has set comes last and wins.
function(sampan_sanitizer_options name)
  list(JOIN ARGN ":" options)
  set(ENV{${name}} "${options}:$ENV{${name}}")
endfunction()

sampan_sanitizer_options(ASAN_OPTIONS
  detect_leaks=1
  # Out of memory is an error code to the library and its tests, not the end.
  allocator_may_return_null=1)
sampan_sanitizer_options(LSAN_OPTIONS
  suppressions=${CMAKE_CURRENT_LIST_DIR}/leaks.txt
  # GCC 12's LeakSanitizer crashes in the thread-local data of threads that a driver still runs.
  use_tls=0
  print_suppressions=0)
sampan_sanitizer_options(UBSAN_OPTIONS
  print_stacktrace=1)
sampan_sanitizer_options(TSAN_OPTIONS
  suppressions=${CMAKE_CURRENT_LIST_DIR}/threads.txt
  # Forked children that run on are among the things tested.
  die_after_fork=0
  allocator_may_return_null=1)
