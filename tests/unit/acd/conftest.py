from tests.unit.agents.private_redis import redis, redis_server

__all__ = ["redis", "redis_server"]
