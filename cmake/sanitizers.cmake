if(DRIFTWARDEN_SANITIZE)
  add_compile_options(-fsanitize=${DRIFTWARDEN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DRIFTWARDEN_SANITIZE})
  if(DRIFTWARDEN_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # Asio's fences; the suite itself is silent
  endif()
  if(DRIFTWARDEN_SANITIZE MATCHES undefined)
    # These four are a check at every use of a pointer, half of the code that a sanitized build has to
    # compile. What they would find AddressSanitizer stops at as well: null, stale and wild pointers.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=null,alignment,object-size,vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A false positive for coroutine frames in optimised sanitizer builds of GCC 12.
    add_compile_options(-Wno-mismatched-new-delete -Wno-maybe-uninitialized)
  endif()
endif()
