add_library(driftwarden_warnings INTERFACE)
target_compile_options(driftwarden_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wno-missing-field-initializers
  # GCC 12 takes the frame of every optimised coroutine for a mismatch; a false positive.
  -Wno-mismatched-new-delete)
if(DRIFTWARDEN_UNITY)
  # The frame of a coroutine, or a nested class, that holds what an anonymous namespace holds: each is
  # in one unit all the same, but GCC takes a file that was included for a header.
  target_compile_options(driftwarden_warnings INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(DRIFTWARDEN_WERROR)
  # GCC 12 has false positives for these three under optimisation; they stay warnings.
  target_compile_options(driftwarden_warnings INTERFACE
    -Werror -Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=dangling-pointer)
endif()
