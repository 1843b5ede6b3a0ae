@AC04 @mesh
Feature: In the mesh everybody proves who they are, and nobody else is answered
  "Service mesh or API gateway provides unified routing and monitoring."

  A network inside a cluster is a place like any other: whoever is in it may listen, and ask. In the mesh each service
  shows a certificate to the other, and is answered by those alone that are declared to be called by it.

  Background:
    Given the system is deployed and healthy

  Scenario: Nobody speaks plain text to a replica
    When every replica is asked in plain text by somebody who is not in the mesh
    Then each closes the connection

  Scenario: Each caller and callee prove who they are
    When every declared caller asks its callees, and claims to be somebody else
    Then each callee knows who asks whom

  Scenario: Who is not allowed is refused
    When every service asks every other one
    Then those who are declared to call are answered
    And all others are refused
