#include "tools/sluice-authority/zone_file.h"

#include <array>
#include <new>
#include <openssl/evp.h>

#include "config/files/file.h"
#include "config/name/name.h"
#include "control/tuf/digest.h"

namespace sluice::authority {
namespace {

constexpr std::uint16_t kNs = 2;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSoa = 6;
constexpr std::string_view kPass = "rpz-passthru";
constexpr std::uint32_t kTtl = 300;
// Refresh, retry, expire, and how long a refusal may be cached. Secondaries of a mirror ask hourly.
constexpr std::array<std::uint32_t, 4> kTimers = {3600, 600, 604'800, 300};

std::string number16(std::uint32_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
std::string number32(std::uint32_t value) { return number16(value >> 16) + number16(value); }

/// "www.example" as labels, without the root that ends a whole name.
std::string labels_of(std::string_view text) {
  std::string wire;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    wire.push_back(static_cast<char>(label.size()));
    wire += label;
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return wire;
}

}  // namespace

void ZoneFile::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Result<ZoneFile> ZoneFile::create(const std::filesystem::path& path, const std::string& zone,
                                  std::uint32_t serial) {
  ZoneFile file;
  file.path_ = path;
  file.part_ = path.parent_path() / ("." + path.filename().string());
  file.part_ += files::kPartSuffix;
  file.out_.open(file.part_, std::ios::binary | std::ios::trunc);
  if (!file.out_)
    return fail("cannot be written", path.string(), "give a file in a folder of yours");
  file.zone_wire_ = labels_of(zone) + '\0';
  file.serial_ = serial;
  file.hash_.reset(EVP_MD_CTX_new());
  if (!file.hash_ || EVP_DigestInit_ex(file.hash_.get(), EVP_sha384(), nullptr) != 1) {
    throw std::bad_alloc();  // both fail only for want of memory
  }
  file.out_ << "$ORIGIN " << zone << ".\n$TTL " << kTtl << "\n";
  file.write_apex();
  return file;
}

void ZoneFile::write_apex() {
  out_ << "@ SOA localhost. root.localhost. " << serial_;
  std::string soa = labels_of("localhost") + '\0' + labels_of("root.localhost") + '\0';
  soa += number32(serial_);
  for (const std::uint32_t timer : kTimers) {
    out_ << " " << timer;
    soa += number32(timer);
  }
  out_ << "\n@ NS localhost.\n";
  digest("", kNs, labels_of("localhost") + '\0');
  digest("", kSoa, soa);
}

bool ZoneFile::add(const ZoneName& name) {
  const std::string text = name::from_reversed_key(name.key);
  // The labels of a name take an octet more than its text, and "*." takes two.
  const std::size_t length =
      text.size() + 1 + (name.subs == ZoneRule::none ? 0 : 2) + zone_wire_.size();
  if (length > name::kMaxWireOctets) return false;
  // The asterisk sorts before all that a label of a listed name begins with.
  write_rule(text, name.exact);
  write_rule("*." + text, name.subs);
  return true;
}

void ZoneFile::write_rule(const std::string& owner, ZoneRule rule) {
  if (rule == ZoneRule::none) return;
  const std::string_view target = rule == ZoneRule::pass ? kPass : "";
  out_ << owner << " CNAME " << target << ".\n";
  digest(owner, kCname, labels_of(target) + '\0');
  ++records_;
}

void ZoneFile::digest(std::string_view owner, std::uint16_t type, std::string_view data) {
  std::string wire = labels_of(owner) + zone_wire_ + number16(type) + number16(1);
  wire += number32(kTtl) + number16(static_cast<std::uint32_t>(data.size()));
  wire += data;
  EVP_DigestUpdate(hash_.get(), wire.data(), wire.size());
}

Status ZoneFile::finish() {
  std::array<std::uint8_t, 48> sum{};
  unsigned length = 0;
  EVP_DigestFinal_ex(hash_.get(), sum.data(), &length);
  out_ << "@ ZONEMD " << serial_ << " 1 1 " << tuf::to_hex(sum) << "\n";
  out_.close();
  if (!out_) return fail("cannot be written", part_.string(), "make room on the disk");
  if (auto status = files::sync_file(part_); !status) return status;
  return files::rename_synced(part_, path_);
}

}  // namespace sluice::authority
