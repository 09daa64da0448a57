add_library(driftwarden_warnings INTERFACE)
target_compile_options(driftwarden_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wno-missing-field-initializers
  # GCC 12 takes the frame of every optimised coroutine for a mismatch; a false positive.
  -Wno-mismatched-new-delete)
if(DRIFTWARDEN_WERROR)
  # GCC 12 has false positives for these three under optimisation; they stay warnings.
  target_compile_options(driftwarden_warnings INTERFACE
    -Werror -Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=dangling-pointer)
endif()
