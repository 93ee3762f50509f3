#include "tools/sluice-authority/proposal.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/compile/cpd_make.h"
#include "tools/sluice-authority/former.h"
#include "tools/sluice-authority/journal.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/review.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxProposal = 65'536;

std::filesystem::path proposal_path(const Workspace& workspace, const std::string& department) {
  return workspace.staged() / (role_of(department) + ".proposal.json");
}

Status need_name(const OfficialAct& act) {
  if (!is_one_line(act.by) || !is_one_line(act.approver) || !is_one_line(act.reason)) {
    return fail("a name or reason has a control character, or is not UTF-8", act.department);
  }
  if (!act.by.empty() && !act.key.empty()) return {};
  return fail("an official has a name and a key", act.department, "give --by NAME and --key FILE");
}

/// Orders that are new say who stands behind them.
Status name_officials(const Workspace& workspace, const Published& published, Draft& draft,
                      const OfficialAct& act) {
  std::set<std::string> known;
  if (const auto list = published.list(draft.department)) {
    auto orders = published_orders(workspace, *list);
    if (!orders) return fail(orders.error());
    known = std::move(*orders);
  }
  tuf::Json officials = tuf::Json::array({act.by});
  if (!act.approver.empty()) officials.push_back(act.approver);
  bool changed = false;
  for (tuf::Json& order : draft.orders) {
    if (known.contains(tuf::canonical(order)) ||
        order.value("approved_by", tuf::Json()) == officials) {
      continue;
    }
    order["approved_by"] = officials;
    changed = true;
  }
  return changed ? save_draft(workspace, draft) : Status{};
}

/// The ratio as signed documents carry it, a millionth to the safe side.
std::string ratio(std::uint64_t part, std::uint64_t whole, bool up) {
  const std::uint64_t millionths = part * compile::kMillion / whole;
  const std::uint64_t safe =
      up ? millionths + 1 : millionths - std::min<std::uint64_t>(millionths, 1);
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%llu.%06llu",
                static_cast<unsigned long long>(safe / compile::kMillion),
                static_cast<unsigned long long>(safe % compile::kMillion));
  return out.data();
}

/// Stages a draft with the signature of the official who proposes it, and that alone.
Status put_forward(const Workspace& workspace, const Published& published, const Draft& draft,
                   const OfficialAct& act, const StageOptions& options) {
  auto key = tuf::PrivateKey::load(act.key, workspace.passphrase);
  if (!key) return fail(key.error());
  std::error_code ignored;
  std::filesystem::remove(staged_document(workspace, act.department), ignored);
  StageOptions mine = options;
  mine.keys = {act.key};
  auto staged = stage(workspace, draft, published, mine);
  if (!staged) return fail(staged.error());
  const tuf::Json record = {{"by", act.by},
                            {"approver", act.approver},
                            {"reason", act.reason},
                            {"at", tuf::to_text(workspace.clock())},
                            {"keyid", key->keyid()}};
  auto status = files::write_atomic(proposal_path(workspace, act.department), json_text(record));
  if (!status) return status;
  status = note_in_journal(workspace, {{"act", "propose"},
                                       {"department", act.department},
                                       {"seq", (*staged)->seq},
                                       {"by", act.by},
                                       {"keyid", key->keyid()},
                                       {"reason", act.reason}});
  if (!status) return status;
  std::cout << act.department << ": list " << (*staged)->seq << ", " << (*staged)->entries
            << " entries, proposed by " << act.by << ", " << (*staged)->signatures << " of "
            << (*staged)->threshold << " signatures"
            << ((*staged)->signatures < (*staged)->threshold ? ": waits for approval\n" : "\n");
  return {};
}

}  // namespace

Result<std::optional<Proposal>> read_proposal(const Workspace& workspace,
                                              const std::string& department) {
  const auto path = proposal_path(workspace, department);
  if (!std::filesystem::exists(path)) return std::nullopt;
  auto bytes = files::read_bounded(path, kMaxProposal);
  if (!bytes) return fail(bytes.error());
  auto json = tuf::parse_strict(*bytes, path.string());
  if (!json) return fail(json.error());
  tuf::FieldReader fields(*json, path.string());
  Proposal proposal{fields.text("by"), fields.text_or("approver", ""), fields.text_or("reason", ""),
                    fields.text("at"), fields.text("keyid")};
  if (!fields.good()) return fields.failure();
  return proposal;
}

Status propose_command(const Workspace& workspace, const OfficialAct& act,
                       const StageOptions& options) {
  if (auto status = need_name(act); !status) return status;
  if (act.by == act.approver) return fail("nobody approves what is their own", act.by);
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto draft = load_draft(workspace, act.department);
  if (!draft) return fail(draft.error());
  if (!differs(*draft, *published) && !options.renew) {
    return fail("the draft is what is published", act.department, "nothing is to be proposed");
  }
  if (auto status = name_officials(workspace, *published, *draft, act); !status) return status;
  return put_forward(workspace, *published, *draft, act, options);
}
Status approve_command(const Workspace& workspace, const OfficialAct& act) {
  if (auto status = need_name(act); !status) return status;
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto proposal = read_proposal(workspace, act.department);
  if (!proposal) return fail(proposal.error());
  if (!*proposal) {
    return fail("nothing is proposed", act.department, "see sluice-authority status");
  }
  if ((*proposal)->by == act.by) {
    return fail("has proposed it, and another official must approve", act.by);
  }
  if (!(*proposal)->approver.empty() && (*proposal)->approver != act.by) {
    return fail("is not " + (*proposal)->approver + ", who is named in the orders as approver",
                act.by);
  }
  auto next = next_targets(workspace, *published);
  if (!next) return fail(next.error());
  const tuf::DelegatedRole* role = find_role(*next, act.department);
  if (role == nullptr) return fail("the repository has no such role", act.department);
  auto keys = signers(workspace, role->name, *role, {act.key});
  if (!keys) return fail(keys.error());
  const auto path = staged_document(workspace, act.department);
  auto envelope = read_signed(path);
  if (!envelope) return fail(envelope.error());
  auto targets = tuf::parse_targets((*envelope)["signed"], path.string());
  if (!targets) return fail(targets.error());
  if (auto status = check_payloads(workspace, *targets); !status) return status;
  auto list = staged_list(*targets, act.department);
  if (!list) return fail(list.error());
  std::cout << "proposed by " << (*proposal)->by << " at " << (*proposal)->at
            << ((*proposal)->reason.empty() ? "" : ": " + (*proposal)->reason) << "\n";
  if (auto status = tell_changes(workspace, *published, *list); !status) return status;
  auto added = add_signatures(*envelope, *keys);
  if (!added) return fail(added.error());
  if (*added == 0) {
    return fail("this key has signed it already, and another official must approve",
                act.key.string());
  }
  if (auto status = files::write_atomic(path, envelope_text(*envelope)); !status) return status;
  auto status = note_in_journal(workspace, {{"act", "approve"},
                                            {"department", act.department},
                                            {"seq", list->seq},
                                            {"by", act.by},
                                            {"keyid", keys->front().keyid()},
                                            {"reason", act.reason}});
  if (!status) return status;
  std::cout << "approved by " << act.by << ", " << (*envelope)["signatures"].size() << " of "
            << role->threshold << " signatures: sluice-authority publish\n";
  return {};
}

Status withdraw_command(const Workspace& workspace, const OfficialAct& act) {
  if (auto status = need_name(act); !status) return status;
  if (act.reason.empty()) return fail("a withdrawal has a reason", act.department, "give --reason");
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto draft = load_draft(workspace, act.department);
  if (!draft) return fail(draft.error());
  if (differs(*draft, *published)) {
    return fail("has changes that are not published, which a withdrawal would lose", act.department,
                "publish them, or take them back first");
  }
  auto former = load_former(workspace, *published, act.department, act.seq);
  if (!former) return fail(former.error());
  const auto now = published->list(act.department);
  auto diff =
      compile::diff_lists(*now, workspace.repo() / now->full.remote_path(), former->draft.names);
  if (!diff) return fail(diff.error());
  StageOptions options;
  options.bulk_order =
      act.order.empty() ? "withdrawal of list " + std::to_string(now->seq) : act.order;
  options.bulk_reason = act.reason;
  // Appliances hold great changes for a person; this one was decided by two already.
  const std::uint64_t whole = std::max<std::uint64_t>(now->entries, 1);
  options.min_ratio = ratio(whole - std::min(diff->removed, whole), whole, false);
  options.max_ratio = ratio(std::max(former->draft.entries, whole), whole, true);
  if (auto status = save_draft(workspace, former->draft); !status) return status;
  std::cout << act.department << ": list " << now->seq << " is to be replaced by what was list "
            << former->list.seq << ", " << diff->added << " come, " << diff->removed << " go\n";
  return put_forward(workspace, *published, former->draft, act, options);
}

}  // namespace sluice::authority
