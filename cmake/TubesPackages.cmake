# SPDX-License-Identifier: GPL-3.0-or-later
# Debian packages by CPack, one per component; scripts/package builds them with the prefix /usr.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tubes)
set(CPACK_PACKAGE_VENDOR "Tubes")
# Who builds a package answers for it: Debian's own variables name them (deb-control(5) Maintainer, dch(1)).
set(contact_name "The Tubes authors")
set(contact_address "tubes@localhost")
if(DEFINED ENV{DEBFULLNAME})
    set(contact_name "$ENV{DEBFULLNAME}")
endif()
if(DEFINED ENV{DEBEMAIL})
    set(contact_address "$ENV{DEBEMAIL}")
endif()
set(CPACK_PACKAGE_CONTACT "${contact_name} <${contact_address}>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL libtubes tubes-dev docs)
if(TARGET tube)
    list(APPEND CPACK_COMPONENTS_ALL tube)
endif()
if(TARGET tubes_python)
    list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/lib")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(CPACK_DEBIAN_LIBTUBES_PACKAGE_NAME libtubes${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBTUBES_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBTUBES_DESCRIPTION "cable between two people's programs - libraries
 Tubes gives two people's applications a cable between them, through any
 NAT, encrypted end to end. This package holds the shared libraries.")
set(CPACK_DEBIAN_TUBES-DEV_PACKAGE_NAME libtubes-dev)
set(CPACK_DEBIAN_TUBES-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_TUBES-DEV_PACKAGE_DEPENDS
    "libtubes${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION}), libboost1.81-dev")
set(CPACK_DEBIAN_TUBES-DEV_DESCRIPTION "cable between two people's programs - development files
 Tubes gives two people's applications a cable between them, through any
 NAT, encrypted end to end. This package holds headers, the CMake package
 and pkg-config files.")
set(CPACK_DEBIAN_TUBE_PACKAGE_NAME tube)
set(CPACK_DEBIAN_TUBE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TUBE_DESCRIPTION "cable between two people's programs - command line
 Share a program with a person, and connect to what a person shares, through
 any NAT, encrypted end to end, with ordinary sockets at both ends.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-tubes)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
    "libtubes${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION}), python3 (>= 3.11), python3 (<< 3.12)")
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "cable between two people's programs - Python 3
 Tubes gives two people's applications a cable between them, through any
 NAT, encrypted end to end. This package holds the Python module, for asyncio
 and for scripts that block.")
# As Debian's Python modules do: compiled when installed, and the compiled files go with the package.
file(WRITE "${PROJECT_BINARY_DIR}/packaging/postinst"
"#!/bin/sh\nset -e\nif command -v py3compile >/dev/null; then py3compile -p python3-tubes; fi\n")
file(WRITE "${PROJECT_BINARY_DIR}/packaging/prerm"
"#!/bin/sh\nset -e\nif command -v py3clean >/dev/null; then py3clean -p python3-tubes; fi\n")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/packaging/postinst"
    "${PROJECT_BINARY_DIR}/packaging/prerm")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_DOCS_PACKAGE_NAME tubes-doc)
set(CPACK_DEBIAN_DOCS_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_DOCS_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOCS_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DOCS_DESCRIPTION "cable between two people's programs - documentation
 Tubes gives two people's applications a cable between them. This package
 holds the architecture, the protocol and the threat model.")

# Debian wants a licence file beside each package's documentation.
file(WRITE "${PROJECT_BINARY_DIR}/packaging/copyright"
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tubes

Files: *
Copyright: 2026 The Tubes authors
License: GPL-3.0-or-later
 On Debian systems the text is in /usr/share/common-licenses/GPL-3.

Files: tubes/include/* tubes/client/*
Copyright: 2026 The Tubes authors
License: LGPL-2.1-or-later
 On Debian systems the text is in /usr/share/common-licenses/LGPL-2.1.
")
file(WRITE "${PROJECT_BINARY_DIR}/packaging/changelog"
"tubes (${PROJECT_VERSION}) bookworm; urgency=medium

  * See CHANGELOG.md in tubes-doc.

 -- ${CPACK_PACKAGE_CONTACT}  Sun, 22 Nov 2026 00:00:00 +0000
")
execute_process(COMMAND gzip -9nkf "${PROJECT_BINARY_DIR}/packaging/changelog")
file(WRITE "${PROJECT_BINARY_DIR}/packaging/triggers" "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBTUBES_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/packaging/triggers")
foreach(pair "libtubes;libtubes${PROJECT_VERSION_MAJOR}" "tubes-dev;libtubes-dev" "tube;tube" "python;python3-tubes"
        "docs;tubes-doc")
    list(GET pair 0 component)
    list(GET pair 1 package)
    if(component IN_LIST CPACK_COMPONENTS_ALL)
        install(FILES "${PROJECT_BINARY_DIR}/packaging/copyright" "${PROJECT_BINARY_DIR}/packaging/changelog.gz"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}"
            COMPONENT ${component})
    endif()
endforeach()
include(CPack)
