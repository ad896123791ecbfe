# SAMPAN_SANITIZE=address,undefined or thread, for everything.
if(SAMPAN_SANITIZE)
  add_compile_options(-fsanitize=${SAMPAN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SAMPAN_SANITIZE})
endif()
