// Where a server listens, and with which certificate.
//
// Thread safety: plain values.
#pragma once

#include <filesystem>
#include <string>

namespace sluice::authority {

struct ListenOptions {
  std::string listen = "127.0.0.1:8080";
  std::filesystem::path certificate;  // PEM, with its chain; both or neither
  std::filesystem::path key;
};

}  // namespace sluice::authority
