# What is installed where, and the Debian package of all of it: cmake --build … --target package
install(TARGETS sluice-dataplane sluice-control RUNTIME DESTINATION sbin)
install(TARGETS sluicectl sluice-authority sluice-replay RUNTIME DESTINATION bin)
install(FILES config/system/sluice-dataplane.service config/system/sluice-control.service
        DESTINATION /lib/systemd/system)
install(FILES config/system/sluice.tmpfiles DESTINATION /usr/lib/tmpfiles.d RENAME sluice.conf)
install(FILES config/defaults/school.yaml DESTINATION /etc/sluice RENAME sluice.yaml)
install(FILES config/defaults/school.yaml config/defaults/home.yaml config/defaults/isp.yaml
              config/system/sluice-hugepages.sysctl
        DESTINATION share/sluice)
install(FILES config/lists/encrypted-dns.txt config/lists/relay.txt
              config/lists/safe-search.yaml
        DESTINATION share/sluice/lists)
install(FILES README.md LICENSE DESTINATION share/doc/sluice)
install(DIRECTORY docs/ DESTINATION share/doc/sluice)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_CONTACT "Sluice <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
    "Inline between two ports, Sluice decides by name on DNS queries and TLS connections, against
 signed lists that an authority publishes, and tells why it blocked.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# DPDK loads its drivers by itself, so the linker's list does not name them.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "adduser, ca-certificates, procps, publicsuffix, librte-bus-pci23, librte-bus-vdev23, librte-mempool-ring23, librte-net-af-packet23, librte-net-af-xdp23, librte-net-tap23, librte-net-memif23, librte-net-pcap23, librte-net-ring23")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
    "librte-net-e1000-23, librte-net-igc23, librte-net-ixgbe23, librte-net-i40e23, librte-net-ice23, librte-net-mlx5-23, librte-net-bnxt23, librte-net-virtio23, librte-net-vmxnet3-23")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/images/debian/postinst ${CMAKE_SOURCE_DIR}/images/debian/prerm
    ${CMAKE_SOURCE_DIR}/images/debian/postrm ${CMAKE_SOURCE_DIR}/images/debian/conffiles)
include(CPack)

if(BUILD_TESTING AND NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ)
  add_test(NAME image.deb
           COMMAND /usr/bin/python3 -B -m unittest -v images.tests.deb_test
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(image.deb PROPERTIES LABELS image PROCESSORS 3 TIMEOUT 900 COST 60
                       ENVIRONMENT "SLUICE_BUILD=${CMAKE_BINARY_DIR}")
endif()
