# One static library a module. LINKS is the module's place in the architecture: a module may use
# only what stands there, and tests/tidy_test.cpp holds the includes against the same table.
#   driftwarden_module(NAME SOURCES a.cpp b.cpp LINKS driftwarden_base absl::status [PRIVATE x])
function(driftwarden_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_library(driftwarden_${name} STATIC ${ARG_SOURCES})
  target_include_directories(driftwarden_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(driftwarden_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE} driftwarden_warnings)
  driftwarden_unity(driftwarden_${name} 12 ${ARG_SOURCES})
endfunction()
