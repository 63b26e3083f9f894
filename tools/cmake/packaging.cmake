# Installs the binary, its second name, completions, unit, settings, default plans and example scripts; CPack makes a .deb of them.
include(GNUInstallDirs)

install(TARGETS muster RUNTIME DESTINATION bin)
install(CODE [[
  file(CREATE_LINK muster "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/flwd" SYMBOLIC)
]])

install(DIRECTORY plans/ DESTINATION share/muster/plans FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY scripts/ DESTINATION share/muster/scripts USE_SOURCE_PERMISSIONS)
install(FILES README.md LICENSE DESTINATION share/doc/muster)
install(DIRECTORY docs DESTINATION share/doc/muster)
install(FILES tools/deb/copyright DESTINATION share/doc/muster)

# Completions as `muster completion bash|zsh|fish|powershell` prints them. bash and fish look for one by the name of the
# command; zsh's names both commands inside; PowerShell reads the one that its profile names.
set(completions ${PROJECT_SOURCE_DIR}/tools/completions)
foreach(name muster flwd)
  install(FILES ${completions}/muster.bash DESTINATION share/bash-completion/completions RENAME ${name})
  install(FILES ${completions}/muster.fish DESTINATION share/fish/vendor_completions.d RENAME ${name}.fish)
endforeach()
install(FILES ${completions}/_muster DESTINATION share/zsh/vendor-completions)
install(FILES ${completions}/muster.ps1 DESTINATION share/muster/completions)

# The unit and muster.yaml name paths, which are known when installing: /etc for /usr, else below the prefix.
install(CODE "set(MUSTER_SYSTEMD [[${PROJECT_SOURCE_DIR}/tools/systemd]])\nset(MUSTER_STAGE [[${PROJECT_BINARY_DIR}/install]])")
install(CODE [[
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(MUSTER_ETC /etc/muster)
  else()
    set(MUSTER_ETC ${CMAKE_INSTALL_PREFIX}/etc/muster)
  endif()
  configure_file(${MUSTER_SYSTEMD}/muster.service ${MUSTER_STAGE}/muster.service @ONLY)
  configure_file(${MUSTER_SYSTEMD}/muster.yaml ${MUSTER_STAGE}/muster.yaml @ONLY)
  file(INSTALL ${MUSTER_STAGE}/muster.service DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
  # Settings that are there are somebody's; under DESTDIR a package is being made.
  if(NOT EXISTS ${MUSTER_ETC}/muster.yaml OR NOT "$ENV{DESTDIR}" STREQUAL "")
    file(INSTALL ${MUSTER_STAGE}/muster.yaml DESTINATION ${MUSTER_ETC})
  endif()
]])

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME muster)
set(CPACK_PACKAGE_CONTACT "muster maintainers <maintainers@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "one binary that turns machines into one control plane")
set(CPACK_PACKAGE_DESCRIPTION "Machines register, get plans of what to run, send heartbeats and claim tokens;
every change is one event in one hash-chained log that anyone can tail, replay and verify.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4")  # Loaded when it is used, so that it is not seen as a library of the binary's.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, bubblewrap, git")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(deb ${PROJECT_SOURCE_DIR}/tools/deb)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deb}/conffiles;${deb}/postinst;${deb}/prerm;${deb}/postrm)
include(CPack)
