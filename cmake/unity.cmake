# Compiles several sources of a target as one translation unit, which parses the headers they share
# once and instantiates their templates once: a clean build takes about half of the time. The presets
# that continuous integration builds have it; `dev` compiles file by file, for small rebuilds.
#
# Sources that define the same name at namespace scope must not meet in one unit, since their
# anonymous namespaces would be one. So the sources are dealt into groups by the names that stand at
# the beginning of their lines, which is where namespace scope is in this code base. A name too many
# costs only a group; one that was missed is a compile error that names it: mend it by a name that
# says more, or put the file in NO_UNITY.
option(DRIFTWARDEN_UNITY "Compile the sources of a target together, in groups" OFF)

# A deliberate bug (tests/sim/bites) takes the place of one object in a module's archive, so the file
# that it changes must be an object of its own.
set(driftwarden_alone "")
file(GLOB driftwarden_bites CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/sim/bites/*.patch)
foreach(patch IN LISTS driftwarden_bites)
  file(STRINGS ${patch} line REGEX "^\\+\\+\\+ b/")
  string(REPLACE "+++ b/" "${PROJECT_SOURCE_DIR}/" file "${line}")
  list(APPEND driftwarden_alone "${file}")
endforeach()

function(driftwarden_names_of source out)
  file(READ "${source}" text)
  # Semicolons and brackets would be taken for CMake's own lists.
  string(REGEX REPLACE "[][;\\\\]" "=" text "\n${text}")
  string(REGEX REPLACE "\nnamespace [^\n]*" "\n" text "${text}")
  string(REGEX REPLACE "( final)? : (public|private) [^\n]*" "{" text "${text}")
  set(names "")
  foreach(pattern
      "\n[a-zA-Z][^\n={(]*[ *&]([A-Za-z_0-9]+) ?[={(]"   # type name(, type name =, type name{
      "\n([A-Z][a-z][A-Za-z_0-9]*)[(]"                   # a long type on the line before
      "\n(struct|class|enum|enum class|union) ([A-Za-z_0-9]+)"
      "\nusing ([A-Za-z_0-9]+) ="
      "\n#define ([A-Za-z_0-9]+)")
    string(REGEX MATCHALL "${pattern}" found "${text}")
    foreach(match IN LISTS found)
      string(REGEX REPLACE "^.*[^A-Za-z_0-9]([A-Za-z_0-9]+) ?[={(]?$" "\\1" name "${match}")
      list(APPEND names "${name}")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(${out} "${names}" PARENT_SCOPE)
endfunction()

# driftwarden_unity(TARGET SIZE a.cpp b.cpp …): groups of at most SIZE files.
function(driftwarden_unity target size)
  if(NOT DRIFTWARDEN_UNITY)
    return()
  endif()
  set(groups 0)
  foreach(source IN LISTS ARGN)
    get_filename_component(path "${source}" ABSOLUTE)
    get_source_file_property(own_definitions "${source}" COMPILE_DEFINITIONS)
    # What is generated, an object already, or compiled with definitions of its own stays alone.
    if(NOT EXISTS "${path}" OR NOT source MATCHES "\\.cpp$" OR own_definitions
       OR path IN_LIST driftwarden_alone)
      continue()
    endif()
    driftwarden_names_of("${path}" names)
    set(group 0)
    while(group LESS groups)
      set(clash FALSE)
      foreach(name IN LISTS names)
        if(name IN_LIST names_${group})
          set(clash TRUE)
          break()
        endif()
      endforeach()
      if(NOT clash AND files_${group} LESS size)
        break()
      endif()
      math(EXPR group "${group} + 1")
    endwhile()
    if(group EQUAL groups)
      math(EXPR groups "${groups} + 1")
      set(names_${group} "")
      set(files_${group} 0)
    endif()
    list(APPEND names_${group} ${names})
    math(EXPR files_${group} "${files_${group}} + 1")
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${target}_${group}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  message(STATUS "unity: ${target} in ${groups} groups")
endfunction()
