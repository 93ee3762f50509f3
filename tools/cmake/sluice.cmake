# Helpers for one library, one program or one unit test a line.

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wunused
  -Woverloaded-virtual -Wdouble-promotion -Wno-missing-field-initializers -Wformat=2
  $<$<BOOL:${SLUICE_WERROR}>:-Werror>)
target_compile_definitions(sluice_options INTERFACE SLUICE_VERSION="${PROJECT_VERSION}")
if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE})
else()
  target_compile_definitions(sluice_options INTERFACE
    $<$<CONFIG:RelWithDebInfo,Release>:_FORTIFY_SOURCE=2>)
  target_compile_options(sluice_options INTERFACE -fstack-protector-strong)
endif()
if(SLUICE_COVERAGE)
  target_compile_options(sluice_options INTERFACE --coverage)
  target_link_options(sluice_options INTERFACE --coverage)
endif()

# The data path's small functions are many, in many files. Its libraries hold both ready code and what
# the compiler knows of it, and a program with SLUICE_LTO is compiled once more as a whole; tests
# link what is ready.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND NOT SLUICE_SANITIZE AND NOT SLUICE_COVERAGE)
  set(SLUICE_LTO_OBJECTS $<$<CONFIG:RelWithDebInfo,Release>:-flto=auto;-ffat-lto-objects>)
  target_link_options(sluice_options INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:SLUICE_LTO>>,-flto=auto,-fno-lto>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # Of what the compiler can tune for, this alone clears and copies small structures by vectors. All
    # others begin `rep stos`, which takes 30 cycles on the way of each ClientHello, four times.
    set(SLUICE_TUNE -mtune=skylake)
  endif()
endif()

# A compiler cache, where there is one, serves other clones too: what it is told begins at the source's
# folder.
find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${SLUICE_CCACHE})
endif()

# sluice_library(NAME SOURCES a.cpp … DEPS lib …)
function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC sluice_options ${ARG_DEPS})
endfunction()

# sluice_compile_as_one(NAME…): for targets whose files all read the header of the JSON, the command
# line's or the test library, which takes longer than the files themselves. Not by UNITY_BUILD, whose
# files name others by their whole path, which no compiler cache finds again in another clone. What
# the warning is about is met by every pimpl.
function(sluice_compile_as_one)
  set(most 9)
  foreach(name ${ARGN})
    get_target_property(sources ${name} SOURCES)
    get_target_property(folder ${name} SOURCE_DIR)
    get_target_property(made ${name} BINARY_DIR)
    file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${folder})
    set(files)
    foreach(source ${sources})
      set(path ${source})
      cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
      get_source_file_property(alone ${path} TARGET_DIRECTORY ${name} COMPILE_DEFINITIONS)
      if(alone OR IS_ABSOLUTE ${source})  # with definitions of its own, or made by a command
        list(APPEND files ${path})
        list(REMOVE_ITEM sources ${source})
      endif()
    endforeach()
    while(sources)
      list(SUBLIST sources 0 ${most} batch)
      list(REMOVE_ITEM sources ${batch})
      list(TRANSFORM batch REPLACE "(.+)" "#include \"${folder}/\\1\"\n")
      list(JOIN batch "" content)
      list(LENGTH files number)
      set(file ${made}/${name}-${number}.cpp)
      file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
      list(APPEND files ${file})
    endwhile()
    set_property(TARGET ${name} PROPERTY SOURCES ${files})
    target_compile_options(${name} PRIVATE
                           $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endforeach()
endfunction()

# sluice_data_path(NAME…): libraries that a program with SLUICE_LTO takes in as a whole.
function(sluice_data_path)
  foreach(name ${ARGN})
    target_compile_options(${name} PRIVATE ${SLUICE_LTO_OBJECTS} ${SLUICE_TUNE})
  endforeach()
endfunction()

# sluice_fuzzed(NAME…): for what fuzzers run, which it tells the branches that it takes.
function(sluice_fuzzed)
  foreach(name ${ARGN})
    target_compile_options(${name} PRIVATE $<$<BOOL:${SLUICE_FUZZ}>:-fsanitize=fuzzer-no-link>)
  endforeach()
endfunction()

# sluice_optimise(NAME…): for what tests and fuzzers run millions of times, beside sanitizers too.
function(sluice_optimise)
  foreach(name ${ARGN})
    target_compile_options(${name} PRIVATE $<$<BOOL:${SLUICE_FUZZ}>:-O1>)
  endforeach()
endfunction()

# sluice_program(NAME SOURCES a.cpp … DEPS lib …)
function(sluice_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()
