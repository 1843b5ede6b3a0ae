@AC04 @gateway @disruptive
Feature: The gateway keeps the trouble of some replicas from becoming the trouble of all
  "Service mesh or API gateway provides unified routing and monitoring."

  A gateway that asks again multiplies requests just when nobody can answer them; one that goes on asking a broken replica
  wastes them; one that lets everybody in drowns what stands behind it. How often replicas were asked stands in their own
  logs.

  Background:
    Given the system is deployed and healthy
    And customers know the gateway's name

  @retries
  Scenario: Trying again does not become a storm
    When customers read on every route while every replica of its service fails
    Then no request is tried more often than declared

  @retries
  Scenario: What may not be repeated is tried once
    When customers write on every route while every replica of its service fails
    Then no request is tried more often than declared

  @ejection
  Scenario: A replica that fails while it is ready is left out, and let in again
    When customers read steadily while one replica of the service fails and is ready
    Then each replica of the gateway gives it no more requests than declared
    And it gets its fair share again within the bound for readmission

  @overflow
  Scenario: More than can be served is refused at once
    When more customers than are let through call every limited route at the same moment while its replicas are slow
    Then no more than declared are let through
    And the others are refused at once
    And everybody is served afterwards
