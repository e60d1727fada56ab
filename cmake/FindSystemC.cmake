# Finds the distribution's SystemC and offers it as SystemC::SystemC.
#
# Debian packages SystemC without a CMake configuration and builds it as C++17. The library's version check
# compares SC_CPLUSPLUS, so it is pinned to the library's value; the rest of the check stays in force.
# Looking only in the system's folders keeps a stray source build of SystemC from being taken by accident.
find_path(SystemC_INCLUDE_DIR NAMES systemc)
find_library(SystemC_LIBRARY NAMES systemc)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR)

if(SystemC_FOUND AND NOT TARGET SystemC::SystemC)
  add_library(SystemC::SystemC UNKNOWN IMPORTED)
  set_target_properties(SystemC::SystemC PROPERTIES
    IMPORTED_LOCATION "${SystemC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SystemC_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS "SC_CPLUSPLUS=201703L;SC_INCLUDE_DYNAMIC_PROCESSES")
endif()
