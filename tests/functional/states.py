"""A server in each state that Nova tells apart when it is to be evacuated."""

from nova import context, objects

from tests.functional.hosts import STAY
from waffles.demo import cloud as demo

AUTOMATIC = "automatic-recovery"


class States:
    """Each method makes a server of that state on a host; it gives its id."""

    def __init__(self, hosts, host):
        self.hosts, self.host = hosts, host

    def make(self, state):
        return getattr(self, state)()

    def active(self):
        return self.hosts.server(self.host, AUTOMATIC)

    def stopped(self):
        return self._acted("os-stop", "SHUTOFF")

    def error(self):
        return self._acted("os-resetState", "ERROR", {"state": "error"})

    def paused(self):
        return self._acted("pause", "PAUSED")

    def suspended(self):
        return self._acted("suspend", "SUSPENDED")

    def rescued(self):
        return self._acted("rescue", "RESCUE")

    def shelved(self):
        return self._acted("shelve", "SHELVED")

    def shelved_offloaded(self):
        server_id = self.shelved()
        self.hosts.act(server_id, "shelveOffload")
        return self._is(server_id, "SHELVED_OFFLOADED")

    def resized(self):
        """It was moved here, and the owner has not confirmed that."""
        server_id = self.hosts.server(STAY[0], AUTOMATIC)
        self.hosts.act(server_id, "migrate", {"host": self.host})
        return self._is(server_id, "VERIFY_RESIZE")

    def soft_deleted(self):
        server_id = self.active()
        self.hosts.call("DELETE", f"/servers/{server_id}")
        return self._is(server_id, "SOFT_DELETED")

    def building(self):
        return self._changed(vm_state="building", task_state="spawning")

    def never_launched(self):
        return self._changed(vm_state="error", launched_at=None)

    def powering_off(self):
        return self._changed(task_state="powering-off")

    def rebuilding(self):
        return self._changed(task_state="rebuilding")

    def deleting(self):
        return self._changed(task_state="deleting")

    def migrating(self):
        return self._changed(task_state="migrating")

    def resize_migrating(self):
        return self._changed(task_state="resize_migrating")

    def locked_by_owner(self):
        return self._locked(demo.DEMO)

    def locked_by_admin(self):
        return self._locked(demo.ADMIN)

    def vtpm(self):
        return self._flavored({"hw:tpm_version": "2.0"})

    def accelerated(self):
        return self._flavored({"accel:device_profile": "fpga"})

    def shared(self):
        """With a share of Manila."""
        server_id = self.active()
        objects.ShareMapping(
            context.get_admin_context(),
            uuid=server_id,
            instance_uuid=server_id,
            share_id=server_id,
            status="active",
            tag="share",
            export_location="10.0.0.1:/share",
            share_proto="NFS",
        ).create()
        return server_id

    def _acted(self, action, status, body=None):
        server_id = self.active()
        self.hosts.act(server_id, action, body)
        return self._is(server_id, status)

    def _locked(self, user):
        server_id = self.hosts.server_of(demo.DEMO, self.host, AUTOMATIC)
        self.hosts.act(server_id, "lock", user=user)
        return server_id

    def _changed(self, **fields):
        server_id = self.active()
        self.hosts.change(server_id, **fields)
        return server_id

    def _flavored(self, specs):
        server_id = self.active()
        found = objects.Instance.get_by_uuid(
            context.get_admin_context(), server_id, ["flavor"]
        )
        found.flavor.extra_specs = specs
        found.save()
        return server_id

    def _is(self, server_id, status):
        return self.hosts.wait(server_id, status)
