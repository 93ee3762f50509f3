#include "control/compile/orders.h"

#include <algorithm>
#include <chrono>

#include "control/compile/zstd_lines.h"

namespace sluice::compile {
namespace {

using std::chrono::hours;

constexpr auto kLongest = hours(24) * 731;  // two years, one of them a leap year
constexpr auto kLongestEmergency = hours(72);

constexpr const char* kRefused = "the list is refused; tell the authority";

Result<const policy::Category*> read_category(const std::string& name, const std::string& where) {
  if (const policy::Category* found = policy::find_category(name)) return found;
  const policy::Category* near = policy::nearest_category(name);
  std::string advice = "the release is refused; the authority must use the taxonomy's categories";
  if (near != nullptr) advice += " (nearest: '" + std::string(near->name) + "')";
  return fail("the category '" + name + "' is not in the taxonomy", where, advice);
}

}  // namespace

generation::Provenance Order::provenance(const std::string& department) const {
  return {.department = department,
          .list = department,
          .order = order,
          .authority = authority,
          .legal_basis = legal_basis,
          .listed_at = issued.empty() ? tuf::to_text(effective) : issued,
          .review_by = review_by,
          .expires = tuf::to_text(expires),
          .appeal_url = appeal_url};
}

void Stretch::consider(const Order& order, tuf::Time now) {
  if (!order.active) return;
  for (const tuf::Time time : {order.effective, order.expires}) {
    if (time > now && (!next_change || time < *next_change)) next_change = time;
    if (time <= now && (!last_change || time > *last_change)) last_change = time;
  }
}

Result<Order> parse_order(std::string_view line, const std::string& where) {
  auto json = tuf::parse_strict(line, where);
  if (!json) return fail(json.error());
  if (tuf::canonical(*json) != line) {
    return fail("is not in canonical form", where, kRefused);
  }
  tuf::FieldReader fields(*json, where);
  Order order;
  order.order = fields.text("order");
  const std::string category = fields.text("category");
  order.authority = fields.text_or("authority", "");
  order.legal_basis = fields.text_or("legal_basis", "");
  order.issued = fields.text_or("issued", "");
  order.review_by = fields.text_or("review_by", "");
  const std::string effective = fields.text("effective");
  const std::string expires = fields.text("expires");
  const std::string status = fields.text_or("status", "active");
  tuf::FieldReader appeal(fields.object("appeal", false), where + ": appeal");
  order.appeal_url = appeal.text_or("url", "");
  if (!fields.good()) return fields.failure();
  if (!appeal.good()) return appeal.failure();

  auto known = read_category(category, where);
  if (!known) return fail(known.error());
  order.category = *known;
  auto from = tuf::parse_time_or_day(effective);
  auto until = tuf::parse_time_or_day(expires);
  if (!from) return fail("effective: " + from.error().text(), where, kRefused);
  if (!until) return fail("expires: " + until.error().text(), where, kRefused);
  order.effective = *from;
  order.expires = *until;
  if (order.expires <= order.effective) {
    return fail("expires before it takes effect", where, kRefused);
  }
  if (order.expires - order.effective > kLongest) {
    return fail("lasts longer than two years", where, kRefused);
  }
  if (status != "active" && status != "suspended" && status != "withdrawn") {
    return fail("the status '" + status + "' is not active, suspended or withdrawn", where,
                kRefused);
  }
  order.active = status == "active";
  if (const auto confirms = json->find("confirm_popular"); confirms != json->end()) {
    if (!confirms->is_boolean())
      return fail("confirm_popular is not true or false", where, kRefused);
    order.confirm_popular = confirms->get<bool>();
  }
  return order;
}

Status check_department(const Order& order, std::string_view department, const std::string& where) {
  const std::string_view owner = order.category->department;
  const bool emergency = department == kEmergency && owner != "site" && owner != "education";
  if (emergency || owner == department) return {};
  return fail("the category '" + std::string(order.category->name) + "' belongs to " +
                  std::string(owner) + ", not to " + std::string(department),
              where, "the release is refused; a department lists only in its own categories");
}

Result<std::vector<Order>> read_orders(const ReleaseList& list,
                                       const std::filesystem::path& folder) {
  auto lines = ZstdLines::open(folder / list.orders.stored_name(), list.orders.path,
                               kMaxOrdersOctets, kMaxOrderLine);
  if (!lines) return fail(lines.error());
  std::vector<Order> orders;
  for (;;) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) break;
    auto order = parse_order(**line, lines->where());
    if (!order) return fail(order.error());
    if (auto status = check_department(*order, list.department, lines->where()); !status) {
      return fail(status.error());
    }
    if (list.department == kEmergency && order->expires - order->effective > kLongestEmergency) {
      return fail("an emergency order lasts longer than 72 h", lines->where(), kRefused);
    }
    orders.push_back(std::move(*order));
  }
  if (lines->content_sha256() != list.orders.content_sha256) {
    return fail("the unpacked orders do not match their signed hash", list.orders.path, kRefused);
  }
  return orders;
}

}  // namespace sluice::compile
