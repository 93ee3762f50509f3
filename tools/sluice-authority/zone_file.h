// A response policy zone as a master file (RFC 1035 section 5) whose last record is the digest over
// all others (ZONEMD, RFC 8976, scheme SIMPLE, SHA-384). It is written as it is made, so that
// memory does not grow with it; tools that add the digest to a finished zone hold all of it.
//
// Thread safety: one thread per file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "tools/sluice-authority/zone_order.h"

struct evp_md_ctx_st;

namespace sluice::authority {

class ZoneFile {
 public:
  /// `zone` is canonical text without a closing dot.
  [[nodiscard]] static Result<ZoneFile> create(const std::filesystem::path& path,
                                               const std::string& zone, std::uint32_t serial);

  /// In the order of ZoneOrder. False: the name and the zone's are longer than 255 octets together.
  bool add(const ZoneName& name);
  /// Puts the file into its place; without it only a part beside it is left.
  [[nodiscard]] Status finish();

  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };

  ZoneFile() = default;
  void write_apex();
  void write_rule(const std::string& owner, ZoneRule rule);
  void digest(std::string_view owner, std::uint16_t type, std::string_view data);

  std::filesystem::path path_;
  std::filesystem::path part_;
  std::string zone_wire_;
  std::uint32_t serial_ = 0;
  std::ofstream out_;
  std::unique_ptr<evp_md_ctx_st, Free> hash_;
  std::uint64_t records_ = 0;
};

}  // namespace sluice::authority
